import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'

const maxSecretBytes = 64 * 1024

/** What a variable turned out to be. `problem` goes on after its name. */
export type Variable = { value: string } | { problem: string } | null

/** Looks a variable up, or its `<NAME>_FILE`. null: neither is set. */
export type FindVariable = (name: string) => Variable

/**
 * The environment over the text of the working folder's `.env`; the first of the two that knows a name settles it.
 * The path in a `<NAME>_FILE` is relative to the folder.
 */
export const variablesOf = (environment: NodeJS.ProcessEnv, dotenv: string, folder: string): FindVariable => {
  const layers = [environment, parseEnv(dotenv)]
  return (name) => {
    for (const layer of layers) {
      const value = own(layer, name)
      const file = own(layer, `${name}_FILE`)
      if (value && file) return { problem: `is set twice, as itself and as ${name}_FILE; keep one of them` }
      if (file) return readSecret(resolve(folder, file), `${name}_FILE`)
      if (value !== undefined) return { value }
    }
    return null
  }
}

const own = (layer: NodeJS.ProcessEnv, name: string): string | undefined =>
  Object.hasOwn(layer, name) ? layer[name] : undefined

const readSecret = (path: string, name: string): Variable => {
  try {
    if (statSync(path).size > maxSecretBytes) return { problem: `cannot be read: ${name} names a file over 64 KB` }
    return { value: readFileSync(path, 'utf8').replace(/\r?\n$/, '') }
  } catch {
    return { problem: `cannot be read: ${name} names ${path}, which is not there or not readable` }
  }
}

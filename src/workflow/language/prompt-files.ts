import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, extname, isAbsolute, join, resolve, sep } from 'node:path'
import { maxPromptLength } from './parse-prompt.ts'

/**
 * Finds the text that a step's `prompt_template` means: relative to the workflow's folder, to the folder of prompts, or to
 * the installation. A name without its ending, or with `.txt` where `.njk` stands, is found. A reference cannot leave those
 * folders, and nothing but a prompt is ever read: the text goes to a model.
 */
export type PromptFinder = (reference: string) => string | null

export const promptFinder = (folders: {
  workflow: string
  prompts: string | null
  installation: string
}): PromptFinder => {
  const bases = [
    folders.workflow,
    ...(folders.prompts ? [dirname(folders.prompts), folders.prompts] : []),
    folders.installation,
  ]
  return (reference) => {
    if (isAbsolute(reference) || reference.includes('\0')) return null
    for (const base of bases) {
      for (const name of spellings(reference)) {
        const text = readWithin(resolve(base, name), bases)
        if (text !== null) return text
      }
    }
    return null
  }
}

const endings = ['.njk', '.txt', '.md']

const spellings = (reference: string): string[] => {
  const ending = extname(reference)
  if (!endings.includes(ending)) return [`${reference}.njk`, `${reference}.txt`]
  return ending === '.txt' ? [reference, `${reference.slice(0, -4)}.njk`] : [reference]
}

const readWithin = (path: string, bases: string[]): string | null => {
  try {
    const real = realpathSync(path)
    if (!endings.includes(extname(real)) || !bases.some((base) => isWithin(real, base))) return null
    const { size } = statSync(real)
    return size <= maxPromptLength ? readFileSync(real, 'utf8') : null
  } catch {
    // It is not there, or not for us to read: the next place is asked.
    return null
  }
}

const isWithin = (real: string, base: string): boolean => {
  try {
    return real.startsWith(join(realpathSync(base), sep))
  } catch {
    return false
  }
}

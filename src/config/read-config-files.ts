import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigNode, ConfigProblem, Place } from './config-tree.ts'
import { readYaml } from './read-yaml.ts'

export type ConfigFiles = {
  /** Every file that counts, the default first, also those that are not there (yet). */
  files: string[]
  /** What they say, in the same order; only those that could be read. */
  trees: ConfigNode[]
  /** false: without the defaults, nothing sensible can be said of the rest. */
  complete: boolean
}

/** The default of the installation, the user's own file, and the overlay when one is asked for. */
export const readConfigFiles = (
  installation: string,
  folder: string,
  overlay: string,
  problems: ConfigProblem[],
): ConfigFiles => {
  const standard = join(installation, 'journeyman.yaml')
  const own = join(folder, 'journeyman.yaml')
  const layered = isPlainWord(overlay) ? join(folder, `journeyman.${overlay}.yaml`) : null
  if (overlay !== '' && layered === null) {
    problems.push({ ...startOf(own), key: '', message: 'JOURNEYMAN_ENV has to be a plain word like "production"' })
  }
  const files = [...new Set([standard, own, layered])].filter((file) => file !== null)
  const trees = files.map((file) =>
    readTree(file, { [standard]: noDefault, [layered ?? '']: noOverlay }[file], problems),
  )
  return { files, trees: trees.filter((tree) => tree !== null), complete: trees[0] !== null }
}

/** null when the file is not there; what else keeps it from being read is a problem. */
export const readTextFile = (file: string, problems: ConfigProblem[]): string | null => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOENT') problems.push({ ...startOf(file), key: '', message: `this cannot be read (${code})` })
    return null
  }
}

const noDefault = 'the default configuration is missing; the installation is incomplete'
const noOverlay = 'JOURNEYMAN_ENV asks for this file and it is not there; create it, or unset JOURNEYMAN_ENV'

const readTree = (file: string, whenMissing: string | undefined, problems: ConfigProblem[]): ConfigNode | null => {
  const before = problems.length
  const text = readTextFile(file, problems)
  if (text === null) {
    if (problems.length === before && whenMissing) problems.push({ ...startOf(file), key: '', message: whenMissing })
    return null
  }
  const reading = readYaml(text, file)
  problems.push(...reading.problems)
  if (reading.tree === null || reading.tree.kind === 'map') return reading.tree
  problems.push({ ...startOf(file), key: '', message: 'this has to be keys and values' })
  return null
}

/** It becomes a part of a path. */
const isPlainWord = (text: string): boolean => /^[a-z0-9][a-z0-9_-]{0,40}$/i.test(text)

const startOf = (file: string): Place => ({ file, line: 1, column: 1 })

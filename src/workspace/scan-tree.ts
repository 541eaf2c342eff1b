import type { Git } from './git.ts'
import { gitPlaceOf, type RunPlace } from './run-place.ts'

/** What `git status` found since the last recorded state. Paths are relative to the work tree. */
export type TreeScan = {
  /** Nothing differs, neither in the index nor in the work tree. */
  clean: boolean
  /** Known to git, with another content or mode. */
  changed: string[]
  deleted: string[]
  /** Files that git does not know yet. */
  untracked: string[]
  /** Folders with a `.git` of their own; git does not look inside. */
  nested: string[]
  ignored: string[]
}

/**
 * Submodules are never looked into: git would run `git status` there with the configuration that the agent wrote.
 */
const statusArguments = [
  'status',
  '--porcelain=v2',
  '-z',
  '--untracked-files=all',
  '--ignored=matching',
  '--ignore-submodules=all',
  '--no-renames',
]

export const scanTree = async (git: Git, place: RunPlace, signal?: AbortSignal): Promise<TreeScan> => {
  const result = await git(gitPlaceOf(place), statusArguments, { what: 'looking for changes', signal })
  const scan: TreeScan = { clean: true, changed: [], deleted: [], untracked: [], nested: [], ignored: [] }
  for (const record of result.stdout.toString('utf8').split('\0')) if (record !== '') sort(record, scan)
  return scan
}

const sort = (record: string, scan: TreeScan): void => {
  const path = record.slice(2)
  if (record.startsWith('! ')) scan.ignored.push(path)
  else if (record.startsWith('? ')) (path.endsWith('/') ? scan.nested : scan.untracked).push(path)
  else if (record.startsWith('1 ')) sortKnown(record, scan)
  if (!record.startsWith('! ')) scan.clean = false
}

/** `1 <XY> <sub> <mH> <mI> <mW> <hH> <hI> <path>`; Y is the work tree against the index. */
const sortKnown = (record: string, scan: TreeScan): void => {
  const path = record.split(' ').slice(8).join(' ')
  const inTree = record[3]
  if (inTree === 'D') scan.deleted.push(path)
  else if (inTree !== '.') scan.changed.push(path)
}

import { git } from './git.ts'
import type { RepositoryState } from './state.ts'

export type DiffFile = {
  sha: string
  filename: string
  previousFilename: string | null
  status: 'added' | 'removed' | 'modified' | 'renamed' | 'changed' | 'copied'
  additions: number
  deletions: number
  /** null for a binary file. */
  patch: string | null
}

const zero = /^0+$/
const statuses = { A: 'added', D: 'removed', M: 'modified', R: 'renamed', C: 'copied', T: 'changed' } as const

/** The files that differ between two commits, with their patches, as `git diff` tells it. */
export const readDiff = async (repository: RepositoryState, from: string, to: string): Promise<DiffFile[]> => {
  const options = ['diff', '--no-color', '--no-ext-diff', '--no-textconv', '-M', '--no-abbrev']
  const [listed, patches] = await Promise.all([
    git(repository, [...options, '--raw', '--numstat', '-z', from, to]),
    git(repository, [...options, '--patch', from, to]),
  ])
  const texts = patches.split(/^(?=diff --git )/m).filter((text) => text !== '')
  // A file that became a link, or the other way round, is told as a removal and an addition.
  const next = (file: Omit<DiffFile, 'patch'>): string => texts.splice(0, file.status === 'changed' ? 2 : 1)[0] ?? ''
  return files(listed.split('\0')).map((file) => ({ ...file, patch: hunks(next(file)) }))
}

/** With `-z`, `git diff --raw --numstat` prints all raw entries first, then all counts; a rename has two names. */
const files = (fields: string[]): Omit<DiffFile, 'patch'>[] => {
  const found: Omit<DiffFile, 'patch'>[] = []
  let at = 0
  while (fields[at]?.startsWith(':')) {
    const [, , old = '', now = '', letter = 'M'] = fields[at]!.split(' ')
    const status = statuses[letter[0] as keyof typeof statuses] ?? 'changed'
    const moved = status === 'renamed' || status === 'copied'
    found.push({
      sha: zero.test(now) ? old : now,
      status,
      filename: fields[at + (moved ? 2 : 1)] ?? '',
      previousFilename: moved ? (fields[at + 1] ?? '') : null,
      additions: 0,
      deletions: 0,
    })
    at += moved ? 3 : 2
  }
  for (const file of found) {
    const [added = '', deleted = '', name] = fields[at]?.split('\t') ?? []
    file.additions = Number(added) || 0 // binary files are counted as "-"
    file.deletions = Number(deleted) || 0
    at += name === '' ? 3 : 1
  }
  return found
}

const hunks = (text: string): string | null => {
  const start = text.search(/^@@ /m)
  return start < 0 ? null : text.slice(start).replace(/\n$/, '')
}

import type { ProposedFile } from './contract.ts'
import type { Git } from './git.ts'
import type { RunPlace } from './run-place.ts'

/**
 * Two trees compared as objects: no work tree, no index and no attribute of the repository has a say in it. Renames are
 * shown as what they are for a gate: one path gone, another one new.
 */
const diffTree = [
  'diff-tree',
  '-r',
  '--no-renames',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--ignore-submodules=none',
]
const maxPatchBytes = 64 * 1024 * 1024

export const readProposal = async (git: Git, place: RunPlace, base: string, tree: string): Promise<ProposedFile[]> => {
  const [raw, counts, patch] = await Promise.all([
    compare(git, place, ['--raw', '-z', '--no-abbrev', base, tree]),
    compare(git, place, ['--numstat', '-z', base, tree]),
    compare(git, place, ['--patch', '--unified=0', base, tree]),
  ])
  const entries = parseRaw(raw.toString('utf8'))
  const numbers = parseNumstat(counts.toString('utf8'))
  const added = addedTexts(patch.toString('utf8'), entries)
  const sizes = await blobSizes(git, place, entries)
  return entries.map((entry, index) => {
    const counted = numbers.get(entry.path)
    return {
      path: entry.path,
      status: entry.letter === 'A' ? 'added' : entry.letter === 'D' ? 'deleted' : 'modified',
      additions: counted?.additions ?? 0,
      deletions: counted?.deletions ?? 0,
      mode: entry.letter === 'D' ? null : entry.newMode,
      oldMode: entry.letter === 'A' ? null : entry.oldMode,
      bytes: sizes.get(entry.newBlob) ?? 0,
      binary: counted?.binary ?? false,
      addedText: added[index] ?? '',
    }
  })
}

/** The unified diff for people, cut off at a line with a word that says so. */
export const readUnifiedDiff = async (
  git: Git,
  place: RunPlace,
  trees: { base: string; tree: string },
  maxBytes: number,
): Promise<string> => {
  const patch = await git({ gitDir: place.gitDir }, [...diffTree, '--patch', trees.base, trees.tree], {
    what: 'showing the changes',
    maxOutputBytes: maxBytes,
    mayTruncate: true,
  })
  const text = patch.stdout.toString('utf8')
  return patch.truncated ? `${text.slice(0, text.lastIndexOf('\n') + 1)}[the rest of the diff is left out]\n` : text
}

const compare = async (git: Git, place: RunPlace, more: string[]): Promise<Buffer> => {
  const options = { what: 'comparing with the base commit', maxOutputBytes: maxPatchBytes }
  return (await git({ gitDir: place.gitDir }, [...diffTree, ...more], options)).stdout
}

type RawEntry = { oldMode: string; newMode: string; newBlob: string; letter: string; path: string }

/** `:<old mode> <new mode> <old blob> <new blob> <letter>` NUL `<path>` NUL */
const parseRaw = (text: string): RawEntry[] => {
  const fields = text.split('\0')
  const entries: RawEntry[] = []
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [oldMode = '', newMode = '', , newBlob = '', letter = ''] = (fields[index] as string).slice(1).split(' ')
    entries.push({ oldMode, newMode, newBlob, letter, path: fields[index + 1] as string })
  }
  return entries
}

const parseNumstat = (text: string) =>
  new Map(
    text
      .split('\0')
      .filter((record) => record !== '')
      .map((record) => {
        const [additions = '', deletions = '', ...path] = record.split('\t')
        const count = {
          additions: Number(additions) || 0,
          deletions: Number(deletions) || 0,
          binary: additions === '-',
        }
        return [path.join('\t'), count]
      }),
  )

/**
 * The patch has its files in the order of the raw entries. Every line of a hunk begins with `+`, `-` or `\`, so a line that
 * begins with `diff --git ` is a header, whatever a file's name or content is. A change of type makes two sections.
 */
const addedTexts = (patch: string, entries: RawEntry[]): string[] => {
  const sections = `\n${patch}`.split('\ndiff --git ').slice(1)
  let next = 0
  return entries.map((entry) => {
    const count = entry.letter === 'T' ? 2 : 1
    const mine = sections.slice(next, next + count)
    next += count
    return mine.map(addedLines).join('')
  })
}

const addedLines = (section: string): string => {
  const firstHunk = section.indexOf('\n@@ ')
  if (firstHunk < 0) return ''
  return section
    .slice(firstHunk)
    .split('\n')
    .filter((line) => line.startsWith('+'))
    .map((line) => `${line.slice(1)}\n`)
    .join('')
}

const blobSizes = async (git: Git, place: RunPlace, entries: RawEntry[]): Promise<Map<string, number>> => {
  const blobs = entries
    .filter((entry) => entry.letter !== 'D' && entry.newMode !== '160000')
    .map((entry) => entry.newBlob)
  if (blobs.length === 0) return new Map()
  const result = await git({ gitDir: place.gitDir }, ['cat-file', '--batch-check=%(objectname) %(objectsize)'], {
    what: 'measuring the changes',
    input: `${blobs.join('\n')}\n`,
  })
  const lines = result.stdout.toString('utf8').trim().split('\n')
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), Number(line.slice(line.indexOf(' ') + 1))]))
}

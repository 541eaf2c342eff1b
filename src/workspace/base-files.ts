import type { Git } from './git.ts'

/** What is known of some files of one commit. */
export type BaseFiles = {
  commit: string
  has: (path: string) => boolean
  /** null when it is absent, not a file, or too large to be what it should be. */
  read: (path: string) => string | null
}

export type FoundBase = { commit: string; blobs: Map<string, { id: string; bytes: number }> }

const maxFileBytes = 64 * 1024

/**
 * The commit that a revision of a mirror stands for, and which of these paths are files in it. Links inside the repository
 * are followed by git among its objects, so that nothing but the commit is ever looked at. Undefined when there is no such
 * commit.
 */
export const findBase = async (
  git: Git,
  gitDir: string,
  revision: string,
  paths: readonly string[],
): Promise<FoundBase | undefined> => {
  const commitName = `${revision}^{commit}`
  const objects = [commitName, ...paths.map((path) => `${revision}:${path}`), commitName]
  const result = await git({ gitDir }, ['cat-file', '--batch-check', '--follow-symlinks'], {
    what: 'looking at the base commit',
    input: `${objects.join('\n')}\n`,
  })
  const answers = parseAnswers(result.stdout.toString('utf8'))
  const commit = answers[0]?.id
  if (commit === undefined) return undefined
  // Another process has moved the branch in between.
  if (answers.at(-1)?.id !== commit) return findBase(git, gitDir, commit, paths)
  const blobs = new Map<string, { id: string; bytes: number }>()
  for (const [index, path] of paths.entries()) {
    const answer = answers[index + 1]
    if (answer?.type === 'blob') blobs.set(path, { id: answer.id, bytes: answer.bytes })
  }
  return { commit, blobs }
}

/** Reads those of the files that are of a size to be read. */
export const readBase = async (
  git: Git,
  gitDir: string,
  base: FoundBase,
  paths: readonly string[],
): Promise<BaseFiles> => {
  const wanted = paths.flatMap((path) => {
    const blob = base.blobs.get(path)
    return blob && blob.bytes <= maxFileBytes ? [{ path, ...blob }] : []
  })
  const texts = new Map<string, string>()
  if (wanted.length > 0) {
    const result = await git({ gitDir }, ['cat-file', '--batch'], {
      what: 'reading the base commit',
      input: wanted.map(({ id }) => `${id}\n`).join(''),
    })
    let at = 0
    for (const { path, bytes } of wanted) {
      at = result.stdout.indexOf('\n', at) + 1
      texts.set(path, result.stdout.subarray(at, at + bytes).toString('utf8'))
      at += bytes + 1
    }
  }
  return { commit: base.commit, has: (path) => base.blobs.has(path), read: (path) => texts.get(path) ?? null }
}

type Answer = { id: string; type: string; bytes: number } | undefined

/**
 * `<id> <type> <bytes>`; anything else is not an object: `<name> missing`, or for a link that leads nowhere its kind, its
 * length and, on the next line, its target. A target may be chosen to look like an answer, so its line is passed over.
 */
const parseAnswers = (output: string): Answer[] => {
  const lines = output.split('\n')
  const answers: Answer[] = []
  for (let at = 0; at < lines.length - 1; at++) {
    const line = lines[at] as string
    const object = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(line)
    answers.push(object ? { id: object[1] as string, type: object[2] as string, bytes: Number(object[3]) } : undefined)
    const link = /^(?:symlink|dangling|loop|notdir) (\d+)$/.exec(line)
    if (link) at += linesOf(lines, at + 1, Number(link[1]))
  }
  return answers
}

/** How many lines this many bytes take, with the line break after them. */
const linesOf = (lines: string[], from: number, bytes: number): number => {
  let count = 0
  for (let left = bytes; left >= 0 && from + count < lines.length; count++) {
    left -= Buffer.byteLength(lines[from + count] as string) + 1
  }
  return count
}

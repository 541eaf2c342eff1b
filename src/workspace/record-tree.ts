import type { Stats } from 'node:fs'
import { access, constants, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../domain/errors.ts'
import { firstLine, type Git } from './git.ts'
import { isGitName } from './git-names.ts'
import { gitPlaceOf, type RunPlace } from './run-place.ts'
import { scanTree, type TreeScan } from './scan-tree.ts'

export type RecordLimits = { maxFileBytes: number; maxTotalBytes: number; maxFiles: number }

/** A tree object, and what of the work tree is not in it, each with the reason in brackets. */
export type RecordedTree = { tree: string; leftOut: string[]; clean: boolean }

/**
 * Records the work tree as a tree object. `git add` is not used: it dies at an empty nested repository and turns one with
 * commits into a link without content. Here the files are found first and handed over one by one, so that a nested
 * repository is a folder like any other and a file that cannot be recorded costs nothing but itself.
 */
export const recordTree = async (
  git: Git,
  place: RunPlace,
  limits: RecordLimits,
  known: { submodules: string[]; lastTree: string | undefined },
): Promise<RecordedTree> => {
  const scan = await scanTree(git, place)
  const leftOut = [...scan.ignored.map((path) => `${path} (ignored)`), ...(await oddities(place, known.submodules))]
  if (scan.clean && known.lastTree !== undefined) return { tree: known.lastTree, leftOut, clean: true }

  const found = [...scan.changed, ...scan.untracked, ...(await filesOfNested(git, place, scan, limits, leftOut))]
  const accepted = await screen(place, found, limits, leftOut)
  await forget(git, place, scan.deleted)
  await updateIndex(git, place, accepted, leftOut)
  const written = await git(gitPlaceOf(place), ['write-tree'], { what: 'recording the work tree' })
  return { tree: firstLine(written), leftOut, clean: false }
}

/** What git passes over in silence and a person should know of. */
const oddities = async (place: RunPlace, submodules: string[]): Promise<string[]> => {
  const top = await readdir(place.tree)
  const ofGit = top.filter(isGitName).map((name) => `${name} (a git directory of its own)`)
  const filled = await Promise.all(
    submodules.map(async (path) => {
      const entries = await readdir(join(place.tree, path)).catch(() => [])
      return entries.length > 0 ? [`${path}/ (inside a submodule)`] : []
    }),
  )
  return [...ofGit, ...filled.flat()]
}

const filesOfNested = async (
  git: Git,
  place: RunPlace,
  scan: TreeScan,
  limits: RecordLimits,
  leftOut: string[],
): Promise<string[]> => {
  if (scan.nested.length === 0) return []
  const files: string[] = []
  for (const folder of scan.nested) await walk(place.tree, folder.replace(/\/$/, ''), files, limits.maxFiles)
  leftOut.push(...scan.nested.map((path) => `${path}.git (a git directory of its own)`))
  // Exit code 1: none of them is ignored.
  const ignored = await git(gitPlaceOf(place), ['check-ignore', '--no-index', '-z', '--stdin'], {
    what: 'asking what is ignored',
    input: files.map((path) => `./${path}`).join('\0'),
    pathsArePatterns: true,
    accept: [1],
  })
  const left = new Set(ignored.stdout.toString('utf8').split('\0'))
  return files.filter((path) => !left.has(`./${path}`))
}

const walk = async (root: string, folder: string, files: string[], maxFiles: number): Promise<void> => {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (files.length >= maxFiles || isGitName(entry.name)) continue
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) await walk(root, path, files, maxFiles)
    else if (entry.isFile() || entry.isSymbolicLink()) files.push(path)
  }
}

/** Only what git can record, within the limits. */
const screen = async (place: RunPlace, paths: string[], limits: RecordLimits, leftOut: string[]): Promise<string[]> => {
  const accepted: string[] = []
  let totalBytes = 0
  for (const path of paths) {
    const stats = await lstat(join(place.tree, path)).catch(() => undefined)
    const reason =
      stats && ((await whyNot(place, path, stats, limits)) ?? whyNoMore(accepted, totalBytes, stats, limits))
    if (reason) leftOut.push(`${path} (${reason})`)
    if (!stats || reason) continue
    totalBytes += stats.size
    accepted.push(path)
  }
  return accepted
}

const whyNot = async (
  place: RunPlace,
  path: string,
  stats: Stats,
  limits: RecordLimits,
): Promise<string | undefined> => {
  if (path.includes('\ufffd')) return 'a name that is not UTF-8'
  if (path.split('/').some(isGitName)) return 'a name of git'
  if (stats.isSymbolicLink()) return undefined
  if (!stats.isFile()) return 'not a file'
  if (stats.size > limits.maxFileBytes) return `${Math.ceil(stats.size / 1024)} KB is too large`
  return access(join(place.tree, path), constants.R_OK).then(
    () => undefined,
    () => 'unreadable',
  )
}

const whyNoMore = (accepted: string[], total: number, stats: Stats, limits: RecordLimits): string | undefined => {
  if (accepted.length >= limits.maxFiles) return 'too many files'
  return total + stats.size > limits.maxTotalBytes ? 'too much in all' : undefined
}

const forget = async (git: Git, place: RunPlace, paths: string[]): Promise<void> => {
  if (paths.length === 0) return
  await git(gitPlaceOf(place), ['update-index', '--force-remove', '-z', '--stdin'], {
    what: 'recording what was deleted',
    input: paths.join('\0'),
  })
}

/** git takes all or none; when it takes none, halves are tried, until what it refuses stands alone and is named. */
const updateIndex = async (git: Git, place: RunPlace, paths: string[], leftOut: string[]): Promise<void> => {
  if (paths.length === 0) return
  try {
    await git(gitPlaceOf(place), ['update-index', '--add', '--remove', '--replace', '-z', '--stdin'], {
      what: 'recording what has changed',
      input: paths.join('\0'),
    })
  } catch (error) {
    if (codeOf(error) !== 'internal') throw error
    if (paths.length === 1) return void leftOut.push(`${paths[0]} (git refuses it)`)
    const middle = Math.ceil(paths.length / 2)
    await updateIndex(git, place, paths.slice(0, middle), leftOut)
    await updateIndex(git, place, paths.slice(middle), leftOut)
  }
}

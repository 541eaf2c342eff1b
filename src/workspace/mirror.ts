import { createHash, randomBytes } from 'node:crypto'
import { readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { JourneymanError } from '../domain/errors.ts'
import { writeBareRepository } from './bare-repository.ts'
import type { GitCredential } from './contract.ts'
import { withFolderLock } from './folder-lock.ts'
import type { Git } from './git.ts'
import { requireRemoteUrl } from './git-names.ts'

export type MirrorRequest = {
  repository: string
  cloneUrl: string
  credential: () => Promise<GitCredential>
  signal: AbortSignal
  /** A mirror fetched at or after this time will do; a number from `Date.now()`. */
  fetchedSince: number
}

export type Mirror = { name: string; gitDir: string }

export type Mirrors = {
  /** A mirror that is fresh enough: cloned, fetched, or as it is. */
  ensure: (request: MirrorRequest) => Promise<Mirror>
  /** Clones it anew; for one that turned out damaged. */
  remake: (request: MirrorRequest) => Promise<Mirror>
  /** Removes the longest unused ones, and what a killed clone left, until the rest fits. */
  trim: () => Promise<void>
}

export type MirrorOptions = {
  folder: string
  git: Git
  maxBytes: number
  fetchTimeoutMs: number
  /** Names of mirrors whose objects a run borrows; these are never removed. */
  inUse: () => Promise<Set<string>>
}

const fetchedMark = 'journeyman-fetched'
const usedMark = 'journeyman-used'
const packsBeforeRepack = 40
const justUsedMs = 60_000

/**
 * One bare repository per remote with its branches, from which worktrees borrow their objects. Nothing is ever deleted
 * from one that stands: a branch that is gone may still be the base of a run.
 */
export const createMirrors = (options: MirrorOptions): Mirrors => {
  const waiting = new Map<string, Promise<unknown>>()

  /** One at a time per mirror: in this process by a queue, between processes by a lock file. */
  const alone = async <T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    const before = waiting.get(name) ?? Promise.resolve()
    const lock = { waitMs: options.fetchTimeoutMs * 2, signal }
    const mine = before.then(() => withFolderLock(join(options.folder, `${name}.lock`), lock, work))
    const settled = mine.catch(() => {})
    waiting.set(name, settled)
    try {
      return await mine
    } finally {
      if (waiting.get(name) === settled) waiting.delete(name)
    }
  }

  const ensure = async (request: MirrorRequest): Promise<Mirror> => {
    const mirror = mirrorOf(options.folder, request)
    if (await isFresh(mirror, request)) return used(mirror)
    await alone(mirror.name, request.signal, async () => {
      if (await isFresh(mirror, request)) return
      if (await exists(mirror.gitDir)) await refresh(options, mirror, request)
      else await clone(options, mirror, request)
    })
    return used(mirror)
  }

  const remake = async (request: MirrorRequest): Promise<Mirror> => {
    const mirror = mirrorOf(options.folder, request)
    await alone(mirror.name, request.signal, () => clone(options, mirror, request))
    return used(mirror)
  }

  return { ensure, remake, trim: () => trim(options, alone) }
}

const mirrorOf = (folder: string, { repository, cloneUrl }: MirrorRequest): Mirror => {
  const digest = createHash('sha256').update(requireRemoteUrl(cloneUrl)).digest('hex').slice(0, 12)
  const name = `${repository.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 60)}-${digest}.git`
  return { name, gitDir: join(folder, name) }
}

const isFresh = async (mirror: Mirror, request: MirrorRequest): Promise<boolean> =>
  (await modifiedAt(join(mirror.gitDir, fetchedMark))) >= request.fetchedSince

const used = async (mirror: Mirror): Promise<Mirror> => {
  await touch(join(mirror.gitDir, usedMark))
  return mirror
}

const refresh = async (options: MirrorOptions, mirror: Mirror, request: MirrorRequest): Promise<void> => {
  try {
    await fetchBranches(options, mirror.gitDir, request)
  } catch (error) {
    if (!(error instanceof JourneymanError) || error.code !== 'internal') throw error
    // Not the network and not our rights, so the mirror itself: it holds nothing that the remote does not have.
    await clone(options, mirror, request)
  }
  await repackWhenMany(options, mirror)
}

/** Into a folder of its own, put in place by a rename: a killed clone leaves nothing that looks like a mirror. */
const clone = async (options: MirrorOptions, mirror: Mirror, request: MirrorRequest): Promise<void> => {
  const temporary = join(options.folder, `.clone-${process.pid}-${randomBytes(6).toString('hex')}`)
  try {
    await writeBareRepository(temporary, [])
    await fetchBranches(options, temporary, request)
    const old = `${temporary}.old`
    await rename(mirror.gitDir, old).catch(ignoreMissing)
    await rename(temporary, mirror.gitDir)
    await rm(old, { recursive: true, force: true })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

const fetchBranches = async (options: MirrorOptions, gitDir: string, request: MirrorRequest): Promise<void> => {
  const startedAt = new Date()
  const flags = ['--quiet', '--prune', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--force']
  await options.git({ gitDir }, ['fetch', ...flags, '--', request.cloneUrl, '+refs/heads/*:refs/heads/*'], {
    what: `fetching ${request.repository}`,
    timeoutMs: options.fetchTimeoutMs,
    signal: request.signal,
    remote: { url: request.cloneUrl, credential: await request.credential() },
  })
  await touch(join(gitDir, fetchedMark), startedAt)
}

/** Small packs are rolled up; objects that nothing points to stay, since a run may borrow them. */
const repackWhenMany = async ({ git }: MirrorOptions, mirror: Mirror): Promise<void> => {
  const files = await readdir(join(mirror.gitDir, 'objects', 'pack')).catch(() => [])
  if (files.filter((file) => file.endsWith('.pack')).length <= packsBeforeRepack) return
  await git({ gitDir: mirror.gitDir }, ['repack', '--geometric=2', '-d', '-q'], { what: 'packing a mirror' })
}

type Alone = <T>(name: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T>

const trim = async (options: MirrorOptions, alone: Alone): Promise<void> => {
  const names = await readdir(options.folder).catch(() => [])
  for (const name of names.filter(isLeftByDeadProcess))
    await rm(join(options.folder, name), { recursive: true, force: true })
  const inUse = await options.inUse()
  const mirrors = await Promise.all(
    names.filter((name) => name.endsWith('.git')).map((name) => describe(options.folder, name)),
  )
  mirrors.sort((a, b) => b.usedAt - a.usedAt)
  let bytes = 0
  // The one that was used last stays even when it alone is too large: without it no run could start.
  for (const [index, mirror] of mirrors.entries()) {
    bytes += mirror.bytes
    if (index === 0 || bytes <= options.maxBytes || inUse.has(mirror.name)) continue
    // Another process may be about to make a worktree of it.
    if (Date.now() - mirror.usedAt < justUsedMs) continue
    const folder = join(options.folder, mirror.name)
    const remove = () => rm(folder, { recursive: true, force: true })
    // One that somebody holds is in use, and stays.
    await alone(mirror.name, AbortSignal.timeout(1_000), remove).catch(() => {})
    bytes -= mirror.bytes
  }
}

const describe = async (folder: string, name: string) => ({
  name,
  usedAt: await modifiedAt(join(folder, name, usedMark)),
  bytes: await bytesBelow(join(folder, name)),
})

const bytesBelow = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        (found) => found.size,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

const isLeftByDeadProcess = (name: string): boolean => {
  const pid = /^\.clone-(\d+)-/.exec(name)?.[1]
  if (pid === undefined) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

const modifiedAt = (path: string): Promise<number> =>
  stat(path).then(
    (found) => found.mtimeMs,
    () => 0,
  )

const exists = async (path: string): Promise<boolean> => (await modifiedAt(path)) > 0

const touch = async (path: string, time = new Date()): Promise<void> => {
  await utimes(path, time, time).catch(async () => {
    await writeFile(path, '')
    await utimes(path, time, time)
  })
}

const ignoreMissing = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'ENOENT') throw error
}

import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { JourneymanError } from '../domain/errors.ts'
import { identityOf, type ProcessIdentity, processState } from './process-identity.ts'

/** Who holds a data folder. `control` is the address at which the command line finds the holder, once it has one. */
export type LockHolder = ProcessIdentity & { token: string; control: string | null }

export type FolderLock = {
  /** Tells the command line where the holder can be spoken to. */
  announce: (control: string | null) => void
  /** Twice is once. Does nothing when the lock is no longer ours. */
  release: () => void
}

/**
 * The lock of a data folder: PGlite takes none, and a second process on one folder silently loses rows. It is never taken
 * from a live process. A holder in another container or on another machine cannot be looked at; it counts as alive while
 * it touches the file. Throws `conflict`, with one sentence, when the folder is held.
 */
export const lockFolder = (folder: string): FolderLock => {
  makeFolder(folder)
  const path = join(folder, 'lock')
  const mine: LockHolder = { ...identityOf(process.pid), token: randomUUID(), control: null }
  claim(path, mine, folder)
  const touching = setInterval(() => touch(path, mine.token), touchEveryMs)
  touching.unref()
  return {
    announce: (control) => {
      if (readHolder(path)?.token !== mine.token) return
      const draft = writeDraft(path, { ...mine, control })
      renameSync(draft, path)
    },
    release: () => {
      clearInterval(touching)
      if (readHolder(path)?.token === mine.token) rmSync(path, { force: true })
    },
  }
}

/** The live holder of a folder, or null. For the command line, which then speaks to it. */
export const findHolder = (folder: string): LockHolder | null => {
  const path = join(folder, 'lock')
  const holder = readHolder(path)
  return holder && isAlive(path, holder) ? holder : null
}

/** As `recursive` does, which does not end where a folder exists in which none can be made (`/proc`). */
const makeFolder = (folder: string): void => {
  if (existsSync(folder)) return
  const above = dirname(folder)
  if (above !== folder) makeFolder(above)
  try {
    mkdirSync(folder)
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

const touchEveryMs = 10_000
const silentAfterMs = 35_000
const maxAttempts = 200
const retryMs = 10

/**
 * The file is written whole under another name and linked into place, which only one process can do. A dead holder's is
 * replaced by whoever has the right to (`takeOver`).
 */
const claim = (path: string, mine: LockHolder, folder: string): void => {
  const draft = writeDraft(path, mine)
  try {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      if (tryLink(draft, path)) return
      const holder = readHolder(path)
      if (holder && isAlive(path, holder)) throw heldBy(holder, folder)
      if (holder && takeOver(path, draft, [holder.token])) return
      waitABit()
    }
  } finally {
    rmSync(draft, { force: true })
  }
  throw new JourneymanError('conflict', `The lock ${path} cannot be taken: other processes are contending for it.`, {
    nextAction: `See which processes use ${folder} and end all but one, then start again.`,
  })
}

/**
 * Two processes may find the same dead lock. The right to replace it is itself a file, named for the dead lock's token and
 * linked into place; one who died while it had that right is followed in the same way, by its own token. So nobody can
 * replace a lock that another has just made. `tokens` are the dead ones met so far, and only these are replaced.
 */
const takeOver = (path: string, draft: string, tokens: string[]): boolean => {
  const right = `${path}.${tokens.at(-1)}`
  if (!tryLink(draft, right)) {
    const other = readHolder(right)
    if (!other || isAlive(right, other) || tokens.length > maxAttempts) return false
    return takeOver(path, draft, [...tokens, other.token])
  }
  const stillDead = tokens.includes(readHolder(path)?.token ?? '')
  if (stillDead) renameSync(draft, path)
  for (const token of tokens) rmSync(`${path}.${token}`, { force: true })
  return stillDead
}

const writeDraft = (path: string, holder: LockHolder): string => {
  const draft = `${path}.draft-${randomUUID()}`
  const file = openSync(draft, 'wx')
  writeFileSync(file, JSON.stringify(holder))
  fsyncSync(file)
  closeSync(file)
  return draft
}

const tryLink = (from: string, to: string): boolean => {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** null when there is no such file. An unreadable one counts as held by nobody we can name, and is refused. */
const readHolder = (path: string): LockHolder | null => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    return JSON.parse(text) as LockHolder
  } catch {
    throw new JourneymanError('conflict', `The lock file ${path} cannot be read.`, {
      nextAction: `If no Journeyman process uses this folder, delete ${path} and start again.`,
    })
  }
}

const isAlive = (path: string, holder: LockHolder): boolean => {
  const state = processState(holder)
  return state === 'unknown' ? touchedAgoMs(path) < silentAfterMs : state === 'alive'
}

const touchedAgoMs = (path: string): number => Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)

const touch = (path: string, token: string): void => {
  try {
    if (readHolder(path)?.token === token) utimesSync(path, new Date(), new Date())
  } catch {
    // Only a sign of life for others; the lock is ours either way.
  }
}

const heldBy = (holder: LockHolder, folder: string): JourneymanError =>
  new JourneymanError(
    'conflict',
    `The data folder ${folder} is in use by process ${holder.pid} on ${holder.host}: the embedded database allows one process at a time.`,
    { nextAction: 'Stop that process, or set DATABASE_URL to a PostgreSQL that many processes can share.' },
  )

/** A dead lock is taken over within microseconds; waiting here, before anything has started, blocks nobody. */
const waitABit = (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
}

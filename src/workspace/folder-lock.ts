import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { sleep } from '../domain/clock.ts'
import { JourneymanError } from '../domain/errors.ts'

/** A lock whose holder has not touched it for this long is taken over, also when it is on another host. */
const staleAfterMs = 60_000
const touchEveryMs = 5_000
const pollMs = 50

/**
 * Holds a lock file while `work` runs, so that two processes do not do the same to one folder. The holder's process is
 * named in it: a lock of a dead process on this host is taken over at once.
 */
export const withFolderLock = async <T>(
  path: string,
  options: { waitMs: number; signal: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> => {
  const deadline = Date.now() + options.waitMs
  while (!(await take(path))) {
    if (Date.now() > deadline) {
      throw new JourneymanError('unavailable', `Another process holds ${path} and does not let go.`, {
        nextAction: 'If no other Journeyman uses this folder, delete that file.',
      })
    }
    await sleep(pollMs, options.signal)
  }
  const touching = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), touchEveryMs)
  try {
    return await work()
  } finally {
    clearInterval(touching)
    await rm(path, { force: true })
  }
}

const take = async (path: string): Promise<boolean> => {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(holder())
    await file.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  await dropWhenStale(path)
  return false
}

const dropWhenStale = async (path: string): Promise<void> => {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  const touchedAt = await stat(path).then(
    (found) => found.mtimeMs,
    () => undefined,
  )
  if (text === undefined || touchedAt === undefined) return
  if (Date.now() - touchedAt < staleAfterMs && !isOfDeadProcess(text, touchedAt)) return
  // Renamed first, then looked at again: whoever took it over in between must not lose his.
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  const renamed = await rename(path, aside).then(
    () => true,
    () => false,
  )
  if (!renamed) return
  if ((await readFile(aside, 'utf8').catch(() => text)) === text) await rm(aside, { force: true })
  else await rename(aside, path)
}

const isOfDeadProcess = (text: string, touchedAt: number): boolean => {
  const [place, pid] = text.split('\n')
  // Between its creation and its first word a lock is empty.
  if (place === '' || pid === undefined) return Date.now() - touchedAt > 2_000
  if (place !== hostIdentity()) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

const holder = (): string => `${hostIdentity()}\n${process.pid}\n${randomBytes(6).toString('hex')}\n`

/** Process numbers mean something within one boot of one host, or of one container. */
const hostIdentity = (): string => {
  try {
    return `${hostname()} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`
  } catch {
    return hostname()
  }
}

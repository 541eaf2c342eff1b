import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { JourneymanError } from '../../domain/errors.ts'
import { isRunning, processTree } from './process-tree.ts'

/** The folders by which what was started for a work tree is known. */
export type StartedIn = { tree: string; home: string; gitDir: string }

const goneWithinMs = 5_000
const lookAgainMs = 10

/**
 * Ends what was started for these work trees by whichever process of this host, and waits until it is gone: sandboxes and
 * their file servers, bare commands, and git. A worker that only sleeps has a launcher that goes on without it. Known by
 * exactly what we start them with, so that nobody's shell or editor that stands in such a folder is taken for one. Where
 * there is no /proc, nothing is found. Throws `unavailable` when something does not end.
 */
export const endProcessesOf = async (places: StartedIn[]): Promise<void> => {
  if (places.length === 0) return
  const deadline = performance.now() + goneWithinMs
  for (;;) {
    const found = await startedIn(places)
    if (found.length === 0) return
    const all = new Set(found.flatMap(processTree))
    for (const pid of all) kill(pid)
    while ([...all].some(isRunning)) {
      if (performance.now() > deadline) throw lingering(all.size)
      await wait(lookAgainMs)
    }
  }
}

const startedIn = async (places: StartedIn[]): Promise<number[]> => {
  const names = await readdir('/proc').catch((): string[] => [])
  const pids = names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const found = await Promise.all(pids.map(async (pid) => ((await isStartedIn(pid, places)) ? [Number(pid)] : [])))
  return found.flat().filter(isRunning)
}

const isStartedIn = async (pid: string, places: StartedIn[]): Promise<boolean> => {
  const args = await read(`/proc/${pid}/cmdline`)
  if (places.some(({ tree }) => args.includes(`\0--bind\0${tree}\0`))) return true
  const environment = `\0${await read(`/proc/${pid}/environ`)}`
  return places.some(
    ({ home, gitDir }) =>
      environment.includes(`\0GIT_DIR=${gitDir}\0`) ||
      (environment.includes('\0JOURNEYMAN_COMMAND=') && environment.includes(`\0HOME=${home}\0`)),
  )
}

/** What has ended meanwhile, and what we may not look at, says nothing. */
const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {}
}

const lingering = (count: number): JourneymanError =>
  new JourneymanError('unavailable', `Of an earlier worker's processes for this run, ${count} do not end.`)

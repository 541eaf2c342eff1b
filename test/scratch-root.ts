import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type ScratchRoot = { folder: string; remove: () => Promise<void> }

const memoryDisk = '/dev/shm'
const leastBytes = 2 * 1024 ** 3

/**
 * The folder of one test run, for all its databases: on the disk in memory where there is a large one, since a database is
 * a thousand small files, which ordinary disks take most of a second to copy. It is removed also when the run is killed.
 */
export const makeScratchRoot = async (): Promise<ScratchRoot> => {
  const folder = await mkdtemp(join((await hasMemoryDisk()) ? memoryDisk : tmpdir(), 'journeyman-tests-'))
  // PostgreSQL, which may be another user, has its folder in it.
  await chmod(folder, 0o755)
  const guard = startGuard(folder)
  return {
    folder,
    remove: async () => {
      guard?.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * A process that waits for the end of its input, which comes when this process has ended in whatever way; then it ends the
 * PostgreSQL whose number stands in the folder and removes the folder. In a process group of its own, so that what is sent
 * to ours (Ctrl-C) does not end it.
 */
const startGuard = (folder: string): ChildProcess | null => {
  if (process.platform === 'win32') return null
  const script =
    'cat >/dev/null; p=$(head -n 1 "$1/postgres/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$p"; sleep 1; rm -rf "$1"'
  const guard = spawn('sh', ['-c', script, 'sh', folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  guard.unref()
  return guard
}

const hasMemoryDisk = async (): Promise<boolean> => {
  try {
    const { bavail, bsize } = await statfs(memoryDisk)
    return bavail * bsize > leastBytes
  } catch {
    return false
  }
}

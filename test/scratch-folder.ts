import { mkdtemp, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const memoryDisk = '/dev/shm'
const leastBytes = 2 * 1024 ** 3

/**
 * A new folder for a test's database, on the disk in memory where there is a large one: a database is a thousand small
 * files, which ordinary disks take most of a second to copy.
 */
export const scratchFolder = async (name: string): Promise<string> =>
  mkdtemp(join((await hasMemoryDisk()) ? memoryDisk : tmpdir(), `journeyman-${name}-`))

const hasMemoryDisk = async (): Promise<boolean> => {
  try {
    const { bavail, bsize } = await statfs(memoryDisk)
    return bavail * bsize > leastBytes
  } catch {
    return false
  }
}

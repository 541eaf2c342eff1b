import { statfs } from 'node:fs/promises'
import { JourneymanError } from '../domain/errors.ts'

/** Below this the embedded database is not ready: it hangs when a write finds no room, and a log segment takes 16 MB. */
const leastBytes = 64 * 1024 * 1024

/** Rejects with `unavailable` when the disk under a folder is nearly full. */
export const requireRoom = async (folder: string): Promise<void> => {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free >= leastBytes) return
  throw new JourneymanError(
    'unavailable',
    `The disk under ${folder} has ${Math.floor(free / 1024 / 1024)} MB left, and the embedded database needs ${leastBytes / 1024 / 1024}.`,
    { nextAction: 'Make room on that disk; the work goes on by itself afterwards.' },
  )
}

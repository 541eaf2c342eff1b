import { statfs } from 'node:fs/promises'
import { JourneymanError } from '../domain/errors.ts'

/** Below this the embedded database is not used: it hangs when a write finds no room, and a log segment takes 16 MB. */
const leastBytes = 64 * 1024 * 1024
const lookEveryMs = 2_000

/** Rejects with `store_unavailable` when the disk under a folder is nearly full. */
export const requireRoom = async (folder: string): Promise<void> => {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free >= leastBytes) return
  throw new JourneymanError(
    'store_unavailable',
    `The disk under ${folder} has ${toMegabytes(free)} MB left, and the embedded database needs ${toMegabytes(leastBytes)}.`,
    { nextAction: 'Make room on that disk; the work goes on by itself afterwards.' },
  )
}

/** Looks again and again. `refuse` throws while there is no room, at no cost to whoever asks. */
export const watchRoom = (folder: string): { refuse: () => void; stop: () => void } => {
  let trouble: unknown
  const timer = setInterval(() => {
    requireRoom(folder).then(
      () => {
        trouble = undefined
      },
      (error: unknown) => {
        trouble = error
      },
    )
  }, lookEveryMs)
  timer.unref()
  return {
    refuse: () => {
      if (trouble) throw trouble
    },
    stop: () => clearInterval(timer),
  }
}

const toMegabytes = (bytes: number): number => Math.floor(bytes / 1024 / 1024)

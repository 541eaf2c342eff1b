import type { StepImage } from '../../store/write-steps.ts'

/** So many are written together, or as many as there are after so long: people look at the rows. */
const most = 64
const longestMs = 10

/**
 * Writes images of rows a little later, several in one statement, one statement at a time. A later image of a row goes into
 * the earlier one while that has not been written. A write that fails fails every flush from then on: the worker has lost its
 * run, or its database.
 */
export const createWriteBehind = (write: (images: readonly StepImage[]) => Promise<void>) => {
  let waiting = new Map<string, StepImage>()
  let written: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  /** Resolves when all that was added is written. */
  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    if (waiting.size === 0) return written
    const images = waiting
    waiting = new Map()
    written = written.then(() => write([...images.values()]))
    // Whoever flushes next hears of it.
    written.catch(() => undefined)
    return written
  }

  /** Waits only where there are too many. */
  const add = async (image: StepImage): Promise<void> => {
    const before = waiting.get(image.address)
    waiting.set(image.address, before ? merged(before, image) : image)
    if (waiting.size >= most) return flush()
    timer ??= setTimeout(() => void flush(), longestMs).unref()
  }

  return { add, flush }
}

/** What was evaluated is added to; of the rest the later says all. */
const merged = (before: StepImage, image: StepImage): StepImage => {
  const evaluated = before.evaluated || image.evaluated ? { ...before.evaluated, ...image.evaluated } : null
  return { ...image, evaluated, snapshot: image.snapshot ?? before.snapshot }
}

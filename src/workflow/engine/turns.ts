export type Turn = { release: () => void }

/** One at a time, in the order of asking. */
export const createTurns = () => {
  let last: Promise<void> = Promise.resolve()

  /** Throws the signal's reason while it waits; whoever comes after waits on all the same. */
  const take = async (signal: AbortSignal): Promise<Turn> => {
    const before = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    try {
      await untilFree(before, signal)
      return { release: resolve }
    } catch (error) {
      // Its place in the row goes on to the next when it would have come.
      void before.then(resolve)
      throw error
    }
  }
  return { take }
}

const untilFree = (before: Promise<void>, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    void before.then(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
  })

import { sleep } from '../../domain/clock.ts'
import { codeOf } from '../../domain/errors.ts'

/** Together some seventeen seconds: longer than a database needs to start again. */
const mostTries = 12
const longestWaitMs = 2_000

/**
 * For a write that may be made twice: tries it again while the database is away, was restarted, or wants it tried again (a
 * deadlock, a serialization failure). What has been done outside by then is not done a second time for want of a row. Gives
 * up at once when the signal is aborted: another may have the run.
 */
export const persist = async <Result>(write: () => Promise<Result>, signal?: AbortSignal): Promise<Result> => {
  for (let tries = 1; ; tries++) {
    try {
      return await write()
    } catch (error) {
      if (codeOf(error) !== 'store_unavailable' || tries === mostTries || signal?.aborted) throw error
      await sleep(Math.min(longestWaitMs, 50 * 2 ** tries))
    }
  }
}

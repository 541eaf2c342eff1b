import { sleep } from '../../domain/clock.ts'
import { codeOf, JourneymanError } from '../../domain/errors.ts'

type Pace = { burst: number; gapMs: number; maxWaitMs: number }
type Lane = { freeAt: number; blockedUntil: number }

/**
 * Spaces the writes of each installation. A few may follow each other at once, as the first moments of a run need; what
 * goes on writes once a gap. When GitHub says that it is too much, everybody behind waits for the time that it named.
 * A wait that would be longer than `maxWaitMs` is refused with `rate_limited` and the time, so that the queue is bounded
 * and the caller can park.
 */
export const spaceWrites = (pace: Pace) => {
  const lanes = new Map<string, Lane>()

  return async <Result>(installation: string, write: () => Promise<Result>): Promise<Result> => {
    const lane = lanes.get(installation) ?? { freeAt: 0, blockedUntil: 0 }
    lanes.set(installation, lane)
    await takeTurn(lane, pace)
    try {
      return await write()
    } catch (error) {
      if (codeOf(error) === 'rate_limited') {
        const waitMs = (error as JourneymanError).retryAfterMs ?? 60_000
        lane.blockedUntil = Math.max(lane.blockedUntil, Date.now() + waitMs)
      }
      throw error
    }
  }
}

/** `freeAt` runs ahead of the clock by a gap for each write; up to a burst of them it may do so without a wait. */
const takeTurn = async (lane: Lane, { burst, gapMs, maxWaitMs }: Pace): Promise<void> => {
  const now = Date.now()
  const freeAt = Math.max(lane.freeAt, now)
  const waitMs = Math.max(freeAt - now - (burst - 1) * gapMs, lane.blockedUntil - now, 0)
  if (waitMs > maxWaitMs) {
    throw new JourneymanError('rate_limited', 'There are more writes to GitHub waiting than its limits let through.', {
      retryAfterMs: waitMs,
    })
  }
  lane.freeAt = freeAt + gapMs
  if (waitMs > 0) await sleep(waitMs)
}

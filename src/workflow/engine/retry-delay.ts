import type { JourneymanError } from '../../domain/errors.ts'
import type { RetryPolicy } from '../language/definition.ts'

/** Seconds until the next attempt. What the outside asked for is the least. */
export const retryDelaySeconds = (
  policy: RetryPolicy,
  attempt: number,
  error: JourneymanError,
  random: () => number,
): number => {
  const grown = policy.backoff === 'exponential' ? policy.initialSeconds * 2 ** (attempt - 1) : policy.initialSeconds
  const bounded = Math.min(grown, policy.maxSeconds)
  const spread = policy.jitter === 'full' ? bounded * random() : bounded
  return Math.max(spread, (error.retryAfterMs ?? 0) / 1000)
}

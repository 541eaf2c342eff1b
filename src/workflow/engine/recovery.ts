import { classify, type ErrorClass, type ErrorRule } from '../../domain/error-class.ts'
import type { Failure } from '../../domain/errors.ts'
import type { RetryCounts } from '../../domain/run.ts'
import type { RetryPolicy, Step } from '../language/definition.ts'

/** How often a service may ask us to wait before a step is over. */
const mostRateLimits = 10
/** Between two tries where a service asks to wait and does not say how long. */
const rateLimitPolicy: RetryPolicy = {
  count: mostRateLimits,
  backoff: 'exponential',
  initialSeconds: 5,
  maxSeconds: 300,
  jitter: 'full',
}

/** What an author who writes `on_error: retry` plainly means: a command or a model may do better the next time. */
const worthAnotherTry = new Set(['command_failed', 'malformed_output'])

/**
 * What follows from a failure: another try after so long, counted as that class, or null. Each class has a count of its own:
 * a service that was busy does not use up the tries of a command that fails.
 */
export const recoveryOf = (
  step: Pick<Step, 'onError' | 'retry'>,
  failure: Failure,
  before: RetryCounts,
  rules: readonly ErrorRule[] = [],
  random: () => number = Math.random,
): { afterSeconds: number; countedAs: ErrorClass } | null => {
  const countedAs = classify(failure, rules)
  const tries = before[countedAs] ?? 0
  const policy = policyFor(step, countedAs, failure)
  if (policy === null || tries >= policy.count) return null
  const asked = countedAs === 'rate_limited' && failure.retryAfterMs !== undefined ? failure.retryAfterMs / 1000 : null
  // A little later than asked, and not all of them at the same moment.
  const afterSeconds =
    asked === null ? retryDelaySeconds(policy, tries + 1, failure, random) : asked * (1 + random() / 10)
  return { afterSeconds, countedAs }
}

const policyFor = (
  { onError, retry }: Pick<Step, 'onError' | 'retry'>,
  kind: ErrorClass,
  failure: Failure,
): RetryPolicy | null => {
  // Nothing has failed where a service asks to wait: no strategy speaks against it.
  if (kind === 'rate_limited') return { ...rateLimitPolicy, count: Math.max(mostRateLimits, retry.count) }
  if (onError !== 'retry') return null
  if (kind === 'transient') return retry
  return kind === 'permanent' && worthAnotherTry.has(failure.code) ? retry : null
}

/** Seconds until the next attempt. What the outside asked for is the least. */
export const retryDelaySeconds = (
  policy: RetryPolicy,
  attempt: number,
  failure: Failure,
  random: () => number,
): number => {
  const grown = policy.backoff === 'exponential' ? policy.initialSeconds * 2 ** (attempt - 1) : policy.initialSeconds
  const bounded = Math.min(grown, policy.maxSeconds)
  const spread = policy.jitter === 'full' ? bounded * random() : bounded
  return Math.max(spread, (failure.retryAfterMs ?? 0) / 1000)
}

import type { Breaker } from '../store/circuit-breakers.ts'
import { iso } from './run-line.ts'

/** A service that is not called just now, as plain JSON. */
export type BreakerLine = {
  service: string
  state: Breaker['state']
  failures: number
  openedAt: string | null
  retryAt: string | null
  lastFailure: string | null
}

export const breakerLine = (breaker: Breaker): BreakerLine => ({
  service: breaker.service,
  state: breaker.state,
  failures: breaker.failures,
  openedAt: iso(breaker.openedAt),
  retryAt: iso(breaker.retryAt),
  lastFailure: breaker.lastFailure?.message ?? null,
})

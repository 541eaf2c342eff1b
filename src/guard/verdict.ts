import type { ErrorCode, Failure } from '../domain/errors.ts'

/** What the end of a call says of the service that was called. */
export type Verdict = 'well' | 'ill' | 'unknown'

const ill: ReadonlySet<ErrorCode> = new Set(['unavailable', 'overloaded', 'timeout'])
/** What only the service itself can have said, and so it is there. */
const said: ReadonlySet<ErrorCode> = new Set(['rate_limited', 'unauthenticated', 'forbidden', 'not_found', 'conflict'])

/** A refusal of a breaker inside another says nothing. Nor does what may have been found wrong before anything was sent. */
export const verdictOf = (failure: Failure): Verdict => {
  if (failure.detail?.['breaker'] !== undefined) return 'unknown'
  if (ill.has(failure.code)) return 'ill'
  return said.has(failure.code) ? 'well' : 'unknown'
}

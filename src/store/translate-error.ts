import pg from 'pg'
import { JourneymanError } from '../domain/errors.ts'

/** SQLSTATEs after which the same work may succeed later: the server is away, full, or wants it tried again. */
const passing = new Set([
  '40001', // serialization failure
  '40P01', // deadlock detected
  '53100', // disk full
  '53200', // out of memory
  '53300', // too many connections
  '57014', // statement timeout
  '57P01', // terminated by an administrator
  '57P02', // crash shutdown
  '57P03', // starting up or shutting down
  '57P05', // idle session timeout
  '25P03', // idle in transaction timeout
  '55P03', // lock timeout
])

/**
 * A driver's error as ours. What the database itself refuses (a broken constraint, say) stays as it is, with its SQLSTATE
 * as `code`; what says that the database cannot be reached, or not now, becomes `store_unavailable`. Whether a
 * COMMIT that ended so has happened is not known.
 */
export const translateError = (error: unknown): unknown => {
  if (error instanceof JourneymanError) return error
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return error
  if (!(error instanceof Error)) return error
  if (error instanceof pg.DatabaseError) return isPassing(error.code) ? unavailable(error) : error
  return unavailable(error)
}

/** True for an INSERT or UPDATE that met a unique index, `constraint` naming which when given. */
export const isUniqueViolation = (error: unknown, constraint?: string): boolean =>
  error instanceof pg.DatabaseError &&
  error.code === '23505' &&
  (constraint === undefined || error.constraint === constraint)

export const unavailable = (cause: unknown): JourneymanError => {
  const text =
    cause instanceof Error ? cause.message || ('code' in cause ? String(cause.code) : cause.name) : String(cause)
  return new JourneymanError('store_unavailable', `The database cannot be used now: ${text}.`, {
    nextAction: 'See that it runs, can be reached and has room on its disk; the work goes on by itself afterwards.',
    cause,
  })
}

const isPassing = (sqlState: string | undefined): boolean =>
  sqlState !== undefined && (sqlState.startsWith('08') || passing.has(sqlState))

/**
 * The one error type. Code branches on `code`, never on a class or a text: an error that was read back from a
 * journal has lost its class. A plugin translates the outside's failure into a code where it happens.
 */
export const errorCodes = [
  'invalid_input', // the caller's data does not fit
  'invalid_configuration', // a file or variable is wrong or missing
  'invalid_workflow', // a definition does not pass the checker
  'not_found',
  'unauthenticated', // our credential is wrong or has run out
  'forbidden', // our credential, or the actor, may not
  'conflict', // the outside is not in the state we took it to be in
  'rate_limited', // try again at retryAfterMs
  'overloaded', // the service says that it is too busy (Anthropic 529)
  'unavailable', // no connection, a 5xx, a cut stream
  'store_unavailable', // our own database: nothing is wrong with the work, it goes on when the database is back
  'timeout',
  'stopped', // a person asked for it
  'rejected', // a person said no where they were asked
  'cancelled', // another step of its group has failed, or what holds it has ended
  'shutting_down', // this process is ending; another goes on
  'stale_epoch', // this worker has lost its claim
  'budget_exceeded',
  'limit_reached', // turns, time, tokens, iterations, repetition
  'unknown_price',
  'malformed_output', // the model, or a service, answered something that cannot be used
  'too_large',
  'condition_failed', // a prerequisite or a success criterion
  'gate_refused', // a proposal that may not leave: protected path, size, secret, binary
  'nothing_to_propose', // the agent changed nothing
  'command_failed', // a command ended with an exit code that is not accepted
  'sandbox_unavailable',
  'workspace_lost', // a snapshot that cannot be restored
  'not_supported', // a part of the language, or of a service, that this version does not run
  'internal', // a defect of ours; never retried
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** What may be tried again, as one list. Everything else, `internal` above all, is not retried. */
const retryable: ReadonlySet<ErrorCode> = new Set(['rate_limited', 'overloaded', 'unavailable', 'timeout'])

export type Failure = {
  code: ErrorCode
  /** A sentence: what is wrong, where, what to do. */
  message: string
  /** What a person can do next, when that is known. */
  nextAction?: string
  retryAfterMs?: number
  /** The outside service that failed: `github`, `anthropic`. */
  service?: string
  detail?: Record<string, unknown>
}

export class JourneymanError extends Error {
  readonly code: ErrorCode
  readonly nextAction: string | undefined
  readonly retryAfterMs: number | undefined
  readonly service: string | undefined
  readonly detail: Record<string, unknown> | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      nextAction?: string
      retryAfterMs?: number
      service?: string
      detail?: Record<string, unknown>
      cause?: unknown
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'JourneymanError'
    this.code = code
    this.nextAction = options.nextAction
    this.retryAfterMs = options.retryAfterMs
    this.service = options.service
    this.detail = options.detail
  }
}

export const isRetryable = (code: ErrorCode): boolean => retryable.has(code)

/** The code of anything that was thrown; what we did not throw ourselves is `internal`. */
export const codeOf = (error: unknown): ErrorCode => (error instanceof JourneymanError ? error.code : 'internal')

/** Anything that was thrown, as data that can be kept in a row. */
export const failureOf = (error: unknown): Failure => {
  if (!(error instanceof JourneymanError)) {
    return { code: 'internal', message: error instanceof Error ? error.message : String(error) }
  }
  return {
    code: error.code,
    message: error.message,
    ...(error.nextAction !== undefined && { nextAction: error.nextAction }),
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
    ...(error.service !== undefined && { service: error.service }),
    ...(error.detail !== undefined && { detail: error.detail }),
  }
}

/** The way back: a failure from a row, to be thrown again. */
export const errorOf = (failure: Failure): JourneymanError =>
  new JourneymanError(failure.code, failure.message, failure)

import type { ErrorCode, Failure } from './errors.ts'

/**
 * What kind of failure it is, and so what is done about it:
 *
 *   transient      tried again after a growing while, as often as the step says
 *   rate_limited   waited out for as long as the service asks, under every strategy, and counted apart
 *   permission     nobody tries again: a person has to allow it
 *   configuration  nobody tries again: a file, a key or a setting has to be mended
 *   budget         an ordinary, explained end
 *   permanent      trying again gives the same; where a step says `retry`, what a model or a command did is tried again
 *   internal       a defect of ours: never tried again
 *
 * What is no failure of the work (a stop, a lost claim, our own database away) has no class: it is dealt with before.
 */
export const errorClasses = [
  'transient',
  'rate_limited',
  'permission',
  'configuration',
  'budget',
  'permanent',
  'internal',
] as const
export type ErrorClass = (typeof errorClasses)[number]

/** A plugin that knows better what a failure of its service means. The first rule that matches decides. */
export type ErrorRule = {
  /** The service whose failures it is about, as `failure.service` names it. */
  service: string
  code?: ErrorCode
  /** A look at what the plugin itself has put into the failure's detail; never at its text. */
  matches?: (failure: Failure) => boolean
  class: ErrorClass
}

const classOfCode: Record<ErrorCode, ErrorClass> = {
  rate_limited: 'rate_limited',
  overloaded: 'transient',
  unavailable: 'transient',
  store_unavailable: 'transient',
  timeout: 'transient',
  unauthenticated: 'permission',
  forbidden: 'permission',
  invalid_configuration: 'configuration',
  invalid_workflow: 'configuration',
  unknown_price: 'configuration',
  not_supported: 'configuration',
  sandbox_unavailable: 'configuration',
  budget_exceeded: 'budget',
  limit_reached: 'budget',
  invalid_input: 'permanent',
  not_found: 'permanent',
  conflict: 'permanent',
  stopped: 'permanent',
  rejected: 'permanent',
  cancelled: 'permanent',
  shutting_down: 'transient',
  stale_epoch: 'permanent',
  malformed_output: 'permanent',
  too_large: 'permanent',
  condition_failed: 'permanent',
  gate_refused: 'permanent',
  nothing_to_propose: 'permanent',
  command_failed: 'permanent',
  workspace_lost: 'permanent',
  internal: 'internal',
}

/** The one place where a failure gets its class. */
export const classify = (failure: Failure, rules: readonly ErrorRule[] = []): ErrorClass => {
  const rule = rules.find(
    (one) =>
      one.service === failure.service &&
      (one.code === undefined || one.code === failure.code) &&
      (one.matches === undefined || one.matches(failure)),
  )
  return rule?.class ?? classOfCode[failure.code]
}

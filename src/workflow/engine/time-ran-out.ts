import { type ErrorCode, type Failure, JourneymanError } from '../../domain/errors.ts'

/** The address of the run itself, where a step's would stand. */
export const wholeRun = ''

/**
 * The end of all that was under way, because the time of what is around it ran out. Whose time it was is in it: a journal that
 * is read later has no clock to find that out by.
 */
export const timeRanOut = (
  address: string,
  code: ErrorCode,
  message: string,
  options: { nextAction?: string } = {},
): JourneymanError => new JourneymanError(code, message, { ...options, detail: { time_of: address } })

export const timeRanOutAt = (address: string, failure: Failure | null | undefined): boolean =>
  failure?.detail?.['time_of'] === address

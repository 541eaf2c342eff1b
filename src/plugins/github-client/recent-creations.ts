import { codeOf, failureOf, JourneymanError } from '../../domain/errors.ts'

const recentMs = 60_000
const maxKept = 200

/** Numbers of issues and pull requests that this process has made of late, to know a 404 about them for what it is. */
export const createRecentCreations = () => {
  const madeAt = new Map<string, number>()

  /** After a write: keeps what it made. */
  const keep = (repository: string, route: string, data: unknown): void => {
    const number = (data as { number?: unknown } | null)?.number
    if (!route.startsWith('POST ') || typeof number !== 'number') return
    if (madeAt.size >= maxKept) madeAt.delete(madeAt.keys().next().value as string)
    madeAt.set(`${repository}#${number}`, performance.now())
  }

  /** A failure with the reason that this process knows of. */
  const explain = (repository: string, parameters: object, error: unknown): unknown => {
    const { issue_number, pull_number } = parameters as { issue_number?: number; pull_number?: number }
    const made = madeAt.get(`${repository}#${issue_number ?? pull_number}`)
    if (codeOf(error) !== 'not_found' || made === undefined || performance.now() - made > recentMs) return error
    return withReason(error, 'just_created')
  }
  return { keep, explain }
}

export const withReason = (error: unknown, reason: string): unknown => {
  if (!(error instanceof JourneymanError)) return error
  const detail = { ...error.detail, reason }
  return new JourneymanError(error.code, error.message, { ...failureOf(error), detail, cause: error.cause })
}

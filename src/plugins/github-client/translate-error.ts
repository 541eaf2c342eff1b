import { RequestError } from '@octokit/request-error'
import { type ErrorCode, JourneymanError } from '../../domain/errors.ts'

type Headers = Record<string, string | number | undefined>

/**
 * GitHub's failure as one of our codes, with a sentence. What is lost on the way (a socket, a time limit, a 5xx) is told
 * apart from what was refused: only the first may have been done all the same. No credential is ever in the text.
 */
export const translateError = (error: unknown, route: string, apiUrl: string): JourneymanError => {
  if (error instanceof JourneymanError) return error
  if (!(error instanceof RequestError)) return lost(error, route, apiUrl)
  const { response, status } = error
  if (!response) return lost(error.cause ?? error, route, apiUrl)
  const headers = response.headers as Headers
  const said = saidOf(response.data)
  const reason = reasonOf(status, response.data, said)
  const options = {
    detail: {
      status,
      route,
      requestId: String(headers['x-github-request-id'] ?? ''),
      ...(reason !== null && { reason }),
    },
    cause: error,
  }
  const retryAfterMs = waitOf(status, headers, said, Date.now())
  if (retryAfterMs !== null) {
    const text = `GitHub limits how often we may ask (${status} to ${route}).`
    return new JourneymanError('rate_limited', text, { ...options, retryAfterMs })
  }
  const code = codeOfStatus(status, response.data, said)
  const nextAction = nextActions[code]
  return new JourneymanError(code, `GitHub answered ${status} to ${route}: ${said || 'no reason given'}.`, {
    ...options,
    ...(nextAction !== undefined && { nextAction }),
  })
}

const nextActions: Partial<Record<ErrorCode, string>> = {
  unauthenticated: "Check github.app_id, github.private_key and this machine's clock.",
  forbidden:
    'Check what the GitHub App is allowed to do, that it is not suspended, and that the repository is not archived.',
  not_found: 'Check that the app is installed on the repository and that what is asked for exists.',
}

const lost = (cause: unknown, route: string, apiUrl: string): JourneymanError => {
  const { name, code } = (cause ?? {}) as { name?: string; code?: string }
  if (name === 'TimeoutError' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new JourneymanError('timeout', `GitHub did not answer ${route} in time.`, { detail: { route }, cause })
  }
  const reason = code ?? (cause instanceof Error ? cause.message : 'no connection')
  return new JourneymanError('unavailable', `There was no answer from ${apiUrl} to ${route}: ${reason}.`, {
    detail: { route },
    cause,
  })
}

/** Where a refusal means "not yet": see `error-rules.ts`. GitHub tells these apart by fields and words alone. */
const reasonOf = (status: number, data: unknown, said: string): string | null => {
  if (status === 422 && (isUnseenHead(data) || /no commit found for sha/i.test(said))) return 'not_yet_seen'
  const isUnderWay = /in progress|being (created|processed)|unavailable|try (the merge )?again/i.test(said)
  return status === 409 && isUnderWay ? 'in_progress' : null
}

const isUnseenHead = (data: unknown): boolean =>
  errorsOf(data).some(
    ({ resource, field, code }) => resource === 'PullRequest' && field === 'head' && code === 'invalid',
  )

/** How long to wait, in milliseconds, when the answer is a rate limit; null when it is something else. */
const waitOf = (status: number, headers: Headers, said: string, now: number): number | null => {
  // The limit on making content is told as a mistake in what was sent.
  if (status === 422) return /submitted too quickly/i.test(said) ? 60_000 : null
  if (status !== 403 && status !== 429) return null
  const seconds = Number(headers['retry-after'])
  if (headers['retry-after'] !== undefined && Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  if (String(headers['x-ratelimit-remaining']) === '0') {
    const reset = Number(headers['x-ratelimit-reset']) * 1000
    return Number.isFinite(reset) ? Math.max(1000, reset - now) : 60_000
  }
  // Without a header GitHub asks for a minute; the secondary limit is then told apart by its words alone.
  return status === 429 || /secondary rate limit|abuse detection/i.test(said) ? 60_000 : null
}

const codes: Record<number, ErrorCode> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  408: 'timeout',
  409: 'conflict',
  410: 'not_found',
  412: 'conflict',
  413: 'too_large',
  451: 'forbidden',
}

const codeOfStatus = (status: number, data: unknown, said: string): ErrorCode => {
  if (status >= 500) return 'unavailable'
  if (status === 422) return isTaken(data, said) ? 'conflict' : 'invalid_input'
  return codes[status] ?? 'invalid_input'
}

/** What is there already is refused as invalid, with a code of its own in some places and with words in others. */
const isTaken = (data: unknown, said: string): boolean =>
  errorsOf(data).some((entry) => entry.code === 'already_exists') || /already exists/i.test(said)

type Detail = { resource?: string; field?: string; code?: string; message?: string }

const errorsOf = (data: unknown): Detail[] => {
  const errors = (data as { errors?: unknown } | null)?.errors
  return Array.isArray(errors)
    ? errors.map((entry) => (typeof entry === 'string' ? { message: entry } : (entry ?? {})))
    : []
}

const maxSaid = 500

const saidOf = (data: unknown): string => {
  const message = typeof data === 'object' && data !== null ? (data as { message?: unknown }).message : undefined
  const parts = [message, ...errorsOf(data).map((entry) => entry.message ?? entry.code)]
  return parts
    .filter((part) => typeof part === 'string')
    .join('; ')
    .slice(0, maxSaid)
    .replace(/\.$/, '')
}

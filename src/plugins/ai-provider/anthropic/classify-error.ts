import { type ErrorCode, JourneymanError } from '../../../domain/errors.ts'

/** Whether the provider can have charged for the call that failed. */
type Charge = 'free' | 'unknown'

/** The vendor's error types, in an error body or in an `error` event of a stream that began well. */
const codeOfType: Record<string, ErrorCode> = {
  rate_limit_error: 'rate_limited',
  overloaded_error: 'overloaded',
  api_error: 'unavailable',
  timeout_error: 'unavailable',
  authentication_error: 'unauthenticated',
  permission_error: 'forbidden',
  billing_error: 'forbidden',
  not_found_error: 'not_found',
  request_too_large: 'too_large',
  invalid_request_error: 'invalid_input',
}

const codeOfStatus = (status: number): ErrorCode => {
  if (status === 401) return 'unauthenticated'
  if (status === 402 || status === 403) return 'forbidden'
  if (status === 404) return 'not_found'
  if (status === 413) return 'too_large'
  if (status === 429) return 'rate_limited'
  if (status === 529) return 'overloaded'
  if (status === 408 || status === 504) return 'timeout'
  if (status === 409 || status >= 500) return 'unavailable'
  return 'invalid_input'
}

const sentences: Partial<Record<ErrorCode, { message: string; nextAction?: string }>> = {
  rate_limited: { message: 'Anthropic refuses for the moment: the rate limit of this account is reached' },
  overloaded: { message: 'Anthropic is overloaded at the moment' },
  unavailable: { message: 'Anthropic could not answer' },
  timeout: { message: 'Anthropic did not answer in time' },
  unauthenticated: {
    message: 'Anthropic does not accept the API key',
    nextAction: 'Put a working key into ANTHROPIC_API_KEY and start again.',
  },
  forbidden: {
    message: 'Anthropic does not allow this account to do that',
    nextAction: "Look at the account's plan, credit and permissions in Anthropic's console.",
  },
  not_found: {
    message: 'Anthropic does not know this model or address',
    nextAction: 'Look at `models` and `anthropic.base_url` in the configuration.',
  },
  too_large: { message: 'The conversation has grown larger than Anthropic accepts' },
  invalid_input: { message: 'Anthropic does not accept the request' },
}

/** Why an account may not spend; see `error-rules.ts`. */
type Reason = 'no_credit' | 'spend_limit'

const wanting: Record<Reason, { message: string; nextAction: string }> = {
  no_credit: {
    message: "This account's credit at Anthropic is used up",
    nextAction: "Add credit in Anthropic's console, then start the run again.",
  },
  spend_limit: {
    message: 'This account has reached the spending limit that was set for it at Anthropic',
    nextAction: "Raise the limit in Anthropic's console or wait until it ends, then start the run again.",
  },
}

/** The vendor says "no money" as an invalid request, or as a rate limit that no waiting ends: by its words alone. */
const reasonOf = (type: string | null, message: string): Reason | undefined => {
  if (/specified (workspace )?API usage limits/i.test(message)) return 'spend_limit'
  const lacksCredit = /credit balance is too low|(extra usage is|usage credits are) required/i.test(message)
  return type === 'billing_error' || lacksCredit ? 'no_credit' : undefined
}

/** More that the vendor calls an invalid request. */
const codeSaid = (message: string): ErrorCode | undefined => {
  if (/prompt is too long/i.test(message)) return 'too_large'
  return /organization has been disabled/i.test(message) ? 'forbidden' : undefined
}

export const providerError = (
  code: ErrorCode,
  charge: Charge,
  saying: string,
  more: { retryAfterMs?: number; cause?: unknown; reason?: Reason | undefined } = {},
): JourneymanError => {
  const { reason, ...options } = more
  const sentence = reason === undefined ? sentences[code] : wanting[reason]
  return new JourneymanError(code, `${sentence?.message ?? 'Anthropic failed'}${saying ? `: ${saying}` : '.'}`, {
    ...(sentence?.nextAction !== undefined && { nextAction: sentence.nextAction }),
    ...options,
    detail: { charge, ...(reason !== undefined && { reason }) },
  })
}

/**
 * An answer whose status is not 2xx. Whatever was refused in the vendor's own words was not charged; a 5xx that somebody
 * on the way invented (a gateway, a proxy) says nothing of what happened behind it.
 */
export const errorOfStatus = (status: number, headers: Headers, body: unknown): JourneymanError => {
  const { type, message } = vendorError(body)
  const reason = reasonOf(type, message ?? '')
  const code =
    reason === undefined ? (codeSaid(message ?? '') ?? codeOfType[type ?? ''] ?? codeOfStatus(status)) : 'forbidden'
  const charge: Charge = status < 500 || type !== null || status === 529 ? 'free' : 'unknown'
  const retryAfterMs = retryAfter(headers, Date.now())
  return providerError(code, charge, `${message ?? 'no explanation'} (HTTP ${status})`, {
    reason,
    ...(retryAfterMs !== null && reason === undefined && { retryAfterMs }),
  })
}

/** `event: error` after a 200: the work had begun, so what it cost is not known. */
export const errorOfEvent = (body: unknown): JourneymanError => {
  const { type, message } = vendorError(body)
  const code = (type === null ? undefined : codeOfType[type]) ?? 'unavailable'
  return providerError(code, 'unknown', `${message ?? type ?? 'an error in the middle of the answer'}`)
}

const vendorError = (body: unknown): { type: string | null; message: string | null } => {
  const error = (body as { error?: { type?: unknown; message?: unknown } } | null | undefined)?.error
  return {
    type: typeof error?.type === 'string' ? error.type : null,
    message: typeof error?.message === 'string' ? error.message.slice(0, 500) : null,
  }
}

/** Milliseconds from `retry-after-ms`, or `retry-after` in seconds or as a date; null when there is none to be read. */
export const retryAfter = (headers: Headers, nowMs: number): number | null => {
  const milliseconds = headers.get('retry-after-ms')
  if (milliseconds !== null && Number.isFinite(Number.parseFloat(milliseconds))) {
    return Math.max(0, Number.parseFloat(milliseconds))
  }
  const text = headers.get('retry-after')?.trim()
  if (!text) return null
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs)
}

const neverReached = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/** No answer at all: the connection failed, or was closed before a status came. */
export const errorOfConnection = (error: unknown): JourneymanError => {
  const chain = causes(error)
  const code = chain.map((link) => (link as { code?: unknown }).code).find((found) => typeof found === 'string')
  const reached = !(typeof code === 'string' && neverReached.has(code))
  const saying = chain.map((link) => (link instanceof Error ? link.message : String(link))).at(-1) ?? ''
  return providerError('unavailable', reached ? 'unknown' : 'free', `no connection (${code ?? saying})`, {
    cause: error,
  })
}

const causes = (error: unknown): unknown[] => {
  const chain: unknown[] = []
  for (let link = error; link && chain.length < 6; link = (link as { cause?: unknown }).cause) chain.push(link)
  return chain
}

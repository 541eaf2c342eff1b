import type { ErrorCode } from '../domain/errors.ts'

/** The one table from codes to HTTP. What is not in it is a defect of ours: 500. */
const statuses: Partial<Record<ErrorCode, number>> = {
  invalid_input: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  unavailable: 503,
  store_unavailable: 503,
  overloaded: 503,
  shutting_down: 503,
  timeout: 504,
}

export const statusOf = (code: ErrorCode): number => statuses[code] ?? 500

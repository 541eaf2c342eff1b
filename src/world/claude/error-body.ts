import { randomBytes } from 'node:crypto'

/** The vendor's one form of an error, as a body and as an event of a stream. */
export type ErrorBody = { type: 'error'; error: { type: string; message: string }; request_id: string }

export const errorBody = (type: string, message: string): ErrorBody => ({
  type: 'error',
  error: { type, message },
  request_id: `req_${randomBytes(12).toString('hex')}`,
})

const typesByStatus: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

export const errorTypeOf = (status: number): string =>
  typesByStatus[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')

import { describe, expect, it } from 'vitest'
import { classify } from '../../../domain/error-class.ts'
import { failureOf } from '../../../domain/errors.ts'
import { errorOfEvent, errorOfStatus } from './classify-error.ts'
import { errorRules } from './error-rules.ts'

const body = (type: string, message: string) => ({ type: 'error', error: { type, message } })
const classOf = (error: unknown) => classify({ ...failureOf(error), service: 'anthropic' }, errorRules)

const credit =
  'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.'
const limit = 'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.'
const tooLong = 'prompt is too long: 213452 tokens > 200000 maximum'

describe('a failure of Anthropic', () => {
  it.each<[string, number, string, string, string, string]>([
    ['no credit', 400, 'invalid_request_error', credit, 'forbidden', 'budget'],
    ['no credit, by its own type', 402, 'billing_error', 'Payment is required.', 'forbidden', 'budget'],
    ['a limit that the account has set', 400, 'invalid_request_error', limit, 'forbidden', 'budget'],
    [
      'a limit that no waiting ends',
      429,
      'rate_limit_error',
      'Extra usage is required for long context requests.',
      'forbidden',
      'budget',
    ],
    ['a limit that passes', 429, 'rate_limit_error', 'Rate limited', 'rate_limited', 'rate_limited'],
    ['a conversation that is too long', 400, 'invalid_request_error', tooLong, 'too_large', 'permanent'],
    [
      'a request that is too large',
      413,
      'request_too_large',
      'Request exceeds the maximum size',
      'too_large',
      'permanent',
    ],
    ['a request that is wrong', 400, 'invalid_request_error', 'max_tokens: must be > 0', 'invalid_input', 'permanent'],
    [
      'an account that is closed',
      400,
      'invalid_request_error',
      'This organization has been disabled.',
      'forbidden',
      'permission',
    ],
    ['a key that may not', 403, 'permission_error', 'Your API key may not do that.', 'forbidden', 'permission'],
    ['too busy', 529, 'overloaded_error', 'Overloaded', 'overloaded', 'transient'],
    ['its own defect', 500, 'api_error', 'Internal server error', 'unavailable', 'transient'],
  ])('is of its class: %s', (_name, status, type, message, code, expected) => {
    const error = errorOfStatus(status, new Headers({ 'retry-after': '5' }), body(type, message))
    expect(error.code).toBe(code)
    expect(classOf(error)).toBe(expected)
  })

  it('costs nothing and says what to do where there is no credit', () => {
    const error = errorOfStatus(400, new Headers(), body('invalid_request_error', credit))
    expect(error.detail).toEqual({ charge: 'free', reason: 'no_credit' })
    expect(error.retryAfterMs).toBeUndefined()
    expect(error.message).toMatch(/^This account's credit at Anthropic is used up: /)
    expect(error.nextAction).toBe("Add credit in Anthropic's console, then start the run again.")
  })

  it('is transient in the middle of an answer, too', () => {
    expect(classOf(errorOfEvent(body('overloaded_error', 'Overloaded')))).toBe('transient')
  })
})

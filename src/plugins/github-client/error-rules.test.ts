import { RequestError } from '@octokit/request-error'
import { describe, expect, it } from 'vitest'
import { classify } from '../../domain/error-class.ts'
import { failureOf } from '../../domain/errors.ts'
import { errorRules } from './error-rules.ts'
import { createRecentCreations, withReason } from './recent-creations.ts'
import { translateError } from './translate-error.ts'

type Recorded = { status: number; body: unknown; headers?: Record<string, string> }

const route = 'POST /repos/{owner}/{repo}/pulls'
const answered = ({ status, body, headers = {} }: Recorded): unknown => {
  const url = 'https://api.github.test'
  const response = { status, url, headers, data: body, retryCount: 0 }
  const request = { method: 'POST' as const, url, headers: {} }
  return translateError(new RequestError('refused', status, { request, response }), route, url)
}
const classOf = (error: unknown) => classify({ ...failureOf(error), service: 'github' }, errorRules)

const invalidHead = {
  message: 'Validation Failed',
  errors: [{ resource: 'PullRequest', field: 'head', code: 'invalid' }],
  documentation_url: 'https://docs.github.com/rest/pulls/pulls#create-a-pull-request',
}
const noCommits = {
  message: 'Validation Failed',
  errors: [{ resource: 'PullRequest', code: 'custom', message: 'No commits between main and topic' }],
}
const tooQuickly = {
  message: 'Validation Failed',
  errors: [{ resource: 'IssueComment', code: 'custom', field: 'body', message: 'body was submitted too quickly' }],
}
const secondary = {
  message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
}

describe('a failure of GitHub', () => {
  it.each<[string, Recorded, string]>([
    ['a head that was pushed a moment ago', { status: 422, body: invalidHead }, 'transient'],
    ['a head without a commit of its own', { status: 422, body: noCommits }, 'permanent'],
    ['a commit that is not seen yet', { status: 422, body: { message: 'No commit found for SHA: 1f2e' } }, 'transient'],
    ['content that comes too quickly', { status: 422, body: tooQuickly }, 'rate_limited'],
    ['a merge under way', { status: 409, body: { message: 'Merge already in progress' } }, 'transient'],
    [
      'a repository that is being made',
      { status: 409, body: { message: 'Git Repository is unavailable.' } },
      'transient',
    ],
    ['a repository without a commit', { status: 409, body: { message: 'Git Repository is empty.' } }, 'permanent'],
    ['the secondary rate limit', { status: 403, body: secondary }, 'rate_limited'],
    ['the rate limit', { status: 403, body: {}, headers: { 'x-ratelimit-remaining': '0' } }, 'rate_limited'],
    [
      'what the App may not',
      { status: 403, body: { message: 'Resource not accessible by integration' } },
      'permission',
    ],
    ['a wrong key', { status: 401, body: { message: 'A JSON web token could not be decoded' } }, 'permission'],
    ['what is not there', { status: 404, body: { message: 'Not Found' } }, 'permanent'],
    ['its own defect', { status: 502, body: 'Unicorn!' }, 'transient'],
  ])('is of its class: %s', (_name, recorded, expected) => {
    expect(classOf(answered(recorded))).toBe(expected)
  })

  it('is transient where a token that it has just handed out is refused', () => {
    const refused = answered({ status: 401, body: { message: 'Bad credentials' } })
    expect(classOf(withReason(refused, 'fresh_token'))).toBe('transient')
  })

  it('is transient where what this process has just made is not there, and there alone', () => {
    const creations = createRecentCreations()
    creations.keep('acme/shop', route, { number: 7 })
    creations.keep('acme/shop', 'GET /repos/{owner}/{repo}/pulls/{pull_number}', { number: 8 })
    const missing = answered({ status: 404, body: { message: 'Not Found' } })
    const about = (repository: string, parameters: object) =>
      classOf(creations.explain(repository, parameters, missing))
    expect(about('acme/shop', { issue_number: 7 })).toBe('transient')
    expect(about('acme/shop', { pull_number: 7 })).toBe('transient')
    expect(about('acme/shop', { pull_number: 8 })).toBe('permanent')
    expect(about('acme/other', { pull_number: 7 })).toBe('permanent')
    expect(about('acme/shop', { ref: 'heads/topic' })).toBe('permanent')
  })

  it('keeps its class when it is read back from a row', () => {
    const failure = JSON.parse(JSON.stringify(failureOf(answered({ status: 422, body: invalidHead }))))
    expect(classify({ ...failure, service: 'github' }, errorRules)).toBe('transient')
    expect(classify({ ...failure, service: 'gitlab' }, errorRules)).toBe('permanent')
  })
})

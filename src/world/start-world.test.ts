import { afterAll, beforeEach, expect, test } from 'vitest'
import type { Fault } from './contract.ts'
import { acmeShop, openTestWorld } from './test-client.ts'

const at = await openTestWorld()
afterAll(() => at.close())
beforeEach(() => {
  at.world.violations.length = 0
})

test('it says what it judges by', () => {
  expect(at.world.validation).toMatch(/^github: specification \d+.*; claude: own rules/)
})

test('a field that the vendor does not know is refused and noted', async () => {
  const misspelt = { ...acmeShop, title: 'x', boddy: 'y' }
  await expect(at.octokit.request('POST /repos/{owner}/{repo}/issues', misspelt)).rejects.toMatchObject({ status: 422 })
  expect(at.world.violations).toMatchObject([
    { service: 'github', side: 'request', method: 'POST', message: 'body: the whole: no such field as "boddy"' },
  ])
})

test.each([
  ['a wrong type', 'POST /repos/acme/shop/issues', { title: ['a', 'list'] }, 'body: title'],
  ['a missing field', 'POST /repos/acme/shop/pulls', { title: 'x', head: 'y' }, "required property 'base'"],
  ['a value that is none of the choices', 'PATCH /repos/acme/shop/issues/1', { state: 'done' }, 'must be one of'],
  ['a wrong query', 'GET /repos/acme/shop/issues?state=finished', {}, 'query: state'],
  ['an unknown query', 'GET /repos/acme/shop/issues?stat=open', {}, 'no such field as "stat"'],
  ['an unknown route', 'GET /repos/acme/shop/issue', {}, 'no such path'],
  ['a method that is not there', 'PUT /repos/acme/shop/issues/1', {}, 'no PUT on'],
])('%s is refused and noted', async (_what, route, body, message) => {
  await expect(at.octokit.request(route, body)).rejects.toThrow(message)
  expect(at.world.violations).toHaveLength(1)
})

test('an answer of its own that the vendor would not give is a failure and is noted', async () => {
  const issue = at.repository.createIssue({ title: 'x', body: 'y' })
  // Nothing in the world lets a name be a number: the defect is put into what it keeps.
  Object.assign(issue.author, { login: 42 })
  const answer = at.octokit.rest.issues.get({ ...acmeShop, issue_number: issue.number })
  await expect(answer).rejects.toMatchObject({ status: 500 })
  Object.assign(issue.author, { login: 'acme' })
  expect(at.world.violations).toMatchObject([{ side: 'response', message: expect.stringContaining('user.login') }])
})

// The vendor's client tells a connection that was closed as a 500.
test.each<[string, Fault, number, number]>([
  ['a status', { kind: 'status', status: 503, headers: { 'retry-after': '1' } }, 503, 0],
  ['no answer at all', { kind: 'drop' }, 500, 0],
  ['a failure that was a success', { kind: 'after', status: 502 }, 502, 1],
  ['a lost answer', { kind: 'drop_after' }, 500, 1],
])('a fault: %s', async (_what, fault, said, done) => {
  const issue = at.repository.createIssue({ title: 'x', body: 'y' })
  at.world.github.faults.push({ method: 'POST', path: /^\/repos\/acme\/shop\/issues\/\d+\/comments$/, times: 1, fault })
  const there = { ...acmeShop, issue_number: issue.number, body: 'z' }
  await expect(at.octokit.rest.issues.createComment(there)).rejects.toMatchObject({ status: said })
  expect(at.repository.comments(issue.number)).toHaveLength(done)
  expect((await at.octokit.rest.issues.createComment(there)).status).toBe(201)
})

test('every request is recorded with what it was answered', async () => {
  at.world.requests.length = 0
  await at.octokit.rest.issues.create({ ...acmeShop, title: 'Recorded' })
  expect(at.world.requests).toMatchObject([
    { service: 'github', method: 'POST', path: '/repos/acme/shop/issues', status: 201, body: { title: 'Recorded' } },
  ])
})

test('without validation it says so, and refuses only what it must', async () => {
  const lax = await openTestWorld({ validate: false })
  const misspelt = { ...acmeShop, title: 'x', boddy: 'y' }
  const answer = await lax.octokit.request('POST /repos/{owner}/{repo}/issues', misspelt)
  const untitled = lax.octokit.request('POST /repos/{owner}/{repo}/issues', { ...acmeShop, title: '' })
  await expect(untitled).rejects.toMatchObject({ status: 422 })
  expect([answer.status, lax.world.violations, lax.world.validation]).toEqual([201, [], 'off, as it was asked'])
  await lax.close()
})

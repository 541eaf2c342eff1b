import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { acmeShop, openTestWorld, type TestWorld } from '../test-client.ts'

let at: TestWorld

beforeAll(async () => {
  at = await openTestWorld()
})
afterEach(() => expect(at.world.violations).toEqual([]))
afterAll(() => at.close())

test('an issue keeps what is done to it: labels, comments, reactions, state', async () => {
  const { octokit, repository } = at
  const { data: issue } = await octokit.rest.issues.create({ ...acmeShop, title: 'One', body: 'Two' })
  const there = { ...acmeShop, issue_number: issue.number }
  await octokit.rest.issues.addLabels({ ...there, labels: ['ai:working'] })
  await octokit.rest.issues.removeLabel({ ...there, name: 'AI:working' })
  await octokit.rest.issues.setLabels({ ...there, labels: ['a', 'b'] })
  const { data: comment } = await octokit.rest.issues.createComment({ ...there, body: 'first' })
  await octokit.rest.issues.updateComment({ ...acmeShop, comment_id: comment.id, body: 'second' })
  await octokit.rest.reactions.createForIssueComment({ ...acmeShop, comment_id: comment.id, content: 'eyes' })
  await octokit.rest.issues.update({ ...there, state: 'closed' })
  expect(repository.issue(issue.number)).toMatchObject({ labels: ['a', 'b'], state: 'closed' })
  expect(repository.comments(issue.number)).toMatchObject([{ edits: 1, history: ['first', 'second'] }])
  const { data: read } = await octokit.rest.issues.get(there)
  expect(read).toMatchObject({ state: 'closed', state_reason: 'completed', comments: 1 })
})

test('the same reaction twice is one, and says so by its status', async () => {
  const issue = at.repository.createIssue({ title: 'Look', body: '' })
  const eyes = { ...acmeShop, issue_number: issue.number, content: 'eyes' as const }
  const statuses = [
    await at.octokit.rest.reactions.createForIssue(eyes),
    await at.octokit.rest.reactions.createForIssue(eyes),
  ]
  expect(statuses.map(({ status }) => status)).toEqual([201, 200])
  expect(at.repository.reactions(issue.number)).toEqual([{ user: at.world.github.app.bot.login, content: 'eyes' }])
})

test('comments come oldest first, in pages that link to each other', async () => {
  const issue = at.repository.createIssue({ title: 'Much said', body: '' })
  const there = { ...acmeShop, issue_number: issue.number }
  for (const body of ['1', '2', '3', '4', '5']) await at.octokit.rest.issues.createComment({ ...there, body })
  const all = await at.octokit.paginate(at.octokit.rest.issues.listComments, { ...there, per_page: 2 })
  expect(all.map((comment) => comment.body)).toEqual(['1', '2', '3', '4', '5'])
  const { headers } = await at.octokit.rest.issues.listComments({ ...there, per_page: 2, page: 2 })
  expect([...(headers.link ?? '').matchAll(/rel="(\w+)"/g)].map(([, rel]) => rel).sort()).toEqual([
    'first',
    'last',
    'next',
    'prev',
  ])
})

test('a text that GitHub would not take is refused', async () => {
  const issue = at.repository.createIssue({ title: 'Long', body: '' })
  const body = 'x'.repeat(65_537)
  const there = { ...acmeShop, issue_number: issue.number }
  await expect(at.octokit.rest.issues.createComment({ ...there, body })).rejects.toMatchObject({ status: 422 })
  await expect(at.octokit.rest.issues.createComment({ ...there, body: ' ' })).rejects.toMatchObject({ status: 422 })
  await expect(at.octokit.rest.issues.create({ ...acmeShop, title: '' })).rejects.toMatchObject({ status: 422 })
  expect(at.repository.comments(issue.number)).toEqual([])
})

test('the permission of a person is told in both of its forms', async () => {
  const ask = async (username: string) => {
    const { data } = await at.octokit.rest.repos.getCollaboratorPermissionLevel({ ...acmeShop, username })
    return [data.permission, data.role_name]
  }
  for (const login of ['maintainer', 'triager', 'stranger']) at.world.github.addUser(login)
  at.repository.setPermission('maintainer', 'maintain')
  at.repository.setPermission('triager', 'triage')
  expect(await ask('maintainer')).toEqual(['write', 'maintain'])
  expect(await ask('triager')).toEqual(['read', 'triage'])
  expect(await ask('stranger')).toEqual(['none', 'none'])
  expect(await ask('acme')).toEqual(['admin', 'admin'])
  await expect(ask('nobody-by-that-name')).rejects.toMatchObject({ status: 404 })
})

test('an archived repository can be read and not written', async () => {
  const issue = at.repository.createIssue({ title: 'Old', body: '' })
  at.repository.archived = true
  const there = { ...acmeShop, issue_number: issue.number }
  const { data } = await at.octokit.rest.repos.get(acmeShop)
  await expect(at.octokit.rest.issues.createComment({ ...there, body: 'x' })).rejects.toThrow('archived')
  at.repository.archived = false
  expect(data.archived).toBe(true)
})

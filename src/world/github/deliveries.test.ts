import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openTestWorld, type TestWorld } from '../test-client.ts'

type Received = { headers: Record<string, unknown>; body: string }

let at: TestWorld
const received: Received[] = []
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => {
    body += chunk
  })
  request.on('end', () => {
    received.push({ headers: request.headers, body })
    response.writeHead(202).end('{"ok":true}')
  })
})

beforeAll(async () => {
  at = await openTestWorld()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => expect(at.world.violations).toEqual([]))
afterAll(async () => {
  server.close()
  await at.close()
})

const listen = (): void => {
  received.length = 0
  at.world.github.webhookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/github`
}

test('a label is told with a signature over the raw body, in the words of the vendor', async () => {
  listen()
  const alice = at.world.github.addUser('alice')
  const issue = at.repository.createIssue({ title: 'Add a discount', body: 'Please.' })
  const answer = await at.repository.label(issue.number, 'ai', alice)
  const [got] = received
  const signature = createHmac('sha256', at.world.github.app.webhookSecret)
    .update(got?.body ?? '')
    .digest('hex')
  expect(got?.headers).toMatchObject({ 'x-github-event': 'issues', 'x-github-delivery': answer.guid })
  expect(got?.headers['x-hub-signature-256']).toBe(`sha256=${signature}`)
  expect(JSON.parse(got?.body ?? '')).toMatchObject({
    action: 'labeled',
    label: { name: 'ai' },
    sender: { login: 'alice' },
  })
  expect(answer).toMatchObject({ status: 202, body: '{"ok":true}' })
})

test('a comment is told, and what is told of it stands there', async () => {
  listen()
  const issue = at.repository.createIssue({ title: 'Talk', body: '' })
  const answer = await at.repository.comment(issue.number, '/ai stop', at.world.github.addUser('alice'))
  const payload = JSON.parse(received[0]?.body ?? '')
  expect([answer.status, payload.comment.body, payload.issue.comments]).toEqual([202, '/ai stop', 1])
  expect(at.repository.comments(issue.number)).toMatchObject([{ author: 'alice', body: '/ai stop' }])
})

test('what a test leaves out of a payload is filled in from the world and from the vendor', async () => {
  listen()
  const issue = at.repository.createIssue({ title: 'Here', body: '' })
  await at.world.github.deliver('issues', {
    action: 'closed',
    repository: { full_name: 'acme/shop' },
    issue: { number: issue.number, state: 'closed', closed_at: '2026-01-01T00:00:00Z' },
    sender: { login: 'alice' },
  })
  const payload = JSON.parse(received[0]?.body ?? '')
  expect(payload).toMatchObject({ issue: { title: 'Here', state: 'closed' }, sender: { login: 'alice' } })
  expect(payload.installation.id).toBe(at.installation)
})

test('a payload that the vendor would not send is noted', async () => {
  listen()
  await at.world.github.deliver('issues', { action: 'opened', issue: { number: 'one' } })
  expect(at.world.violations).toMatchObject([{ side: 'response', method: 'WEBHOOK', path: 'issues' }])
  at.world.violations.length = 0
})

test('the list of deliveries has cursors, keeps what failed, and sends it again under the same identifier', async () => {
  at.world.github.webhookUrl = null
  const issue = at.repository.createIssue({ title: 'Missed', body: '' })
  const missed = await at.repository.label(issue.number, 'ai', at.world.github.addUser('alice'))
  expect(missed.status).toBe(502)
  const all = await at.asApp.paginate(at.asApp.rest.apps.listWebhookDeliveries, { per_page: 1 })
  expect(all.map(({ guid }) => guid)).toEqual(at.world.github.deliveries.map(({ guid }) => guid).reverse())
  const newest = all[0]!
  expect([newest.guid, newest.status_code]).toEqual([missed.guid, 502])
  const { data: inFull } = await at.asApp.rest.apps.getWebhookDelivery({ delivery_id: newest.id })
  expect(inFull.request.payload).toMatchObject({ action: 'labeled' })
  listen()
  await at.asApp.rest.apps.redeliverWebhookDelivery({ delivery_id: newest.id })
  for (let tries = 0; received.length === 0 && tries < 200; tries += 1) await sleep(10)
  expect(received.map(({ headers }) => headers['x-github-delivery'])).toEqual([missed.guid])
})

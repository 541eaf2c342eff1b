import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { describeOnEachHouse, type House, openHouse } from './house.ts'
import { type Answer, countedAtDoor, deliver, knock, knockRaw, labelBody, signature } from './knock.ts'

/** Nobody works on what is started here. */
const webOnly = { worker: false }

/** What stands in the tables that a delivery can lead to. */
const rowsOf = (house: House) =>
  house.look(async ({ db }) => ({
    deliveries: await db.selectFrom('deliveries').select(['delivery_id', 'type', 'disposition', 'reason']).execute(),
    runs: await db.selectFrom('workflow_executions').select(['id', 'state']).execute(),
  }))

const refused = (answer: Answer): { status: number; code: unknown; sentence: boolean } => ({
  status: answer.status,
  code: answer.json['code'],
  sentence: Object.keys(answer.json).length === 2 && /^[A-Z].*\.$/.test(String(answer.json['message'])),
})

const refusal = (status: number, code: string) => ({ status, code, sentence: true })

describe('the door', () => {
  it('refuses what is not signed, not well formed or too large: a code, a sentence, a counter, and nothing stored', async () => {
    const house = await openHouse('pglite')
    await house.start({}, webOnly)
    const body = await labelBody(house)
    const secret = house.world.github.app.webhookSecret
    const without = ['x-hub-signature-256']

    const unsigned = refusal(401, 'unauthenticated')
    expect(refused(await deliver(house, body, { secret: 'another secret altogether' }))).toEqual(unsigned)
    expect(refused(await deliver(house, body, { without }))).toEqual(unsigned)
    const sha1 = { 'x-hub-signature': signature(secret, body, 'sha1') }
    expect(refused(await deliver(house, body, { without, headers: sha1 }))).toEqual(unsigned)
    const otherBytes = JSON.stringify(JSON.parse(body), null, 1)
    const signedBefore = { 'x-hub-signature-256': signature(secret, body) }
    expect(refused(await deliver(house, otherBytes, { headers: signedBefore }))).toEqual(unsigned)

    const malformed = refusal(400, 'invalid_input')
    for (const broken of ['', '{"action":', body.slice(0, -1)]) {
      expect(refused(await deliver(house, broken))).toEqual(malformed)
    }
    expect(refused(await deliver(house, '['.repeat(10_000) + ']'.repeat(10_000)))).toEqual(malformed)
    expect(refused(await deliver(house, `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`))).toEqual(malformed)
    for (const name of ['x-github-event', 'x-github-delivery']) {
      expect(refused(await deliver(house, body, { without: [name] }))).toEqual(malformed)
      expect(refused(await deliver(house, body, { headers: { [name]: 'x'.repeat(201) } }))).toEqual(malformed)
    }
    expect(refused(await deliver(house, body, { headers: { 'content-type': 'no such type' } }))).toEqual(malformed)

    const large = Buffer.alloc(26 * 1024 * 1024, ' ')
    expect(refused(await deliver(house, large))).toEqual(refusal(413, 'too_large'))
    expect(refused(await knock(house, { body: large, chunked: true }))).toEqual(refusal(413, 'too_large'))

    expect(await countedAtDoor(house)).toEqual({ unauthenticated: 4, invalid_input: 10, too_large: 2 })
    expect(await rowsOf(house)).toEqual({ deliveries: [], runs: [] })
  })

  it('has one address and one method; whatever else is asked, the answer is JSON with a code', async () => {
    const house = await openHouse('pglite')
    await house.start({}, webOnly)
    const nothing = refusal(404, 'not_found')
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect(refused(await knock(house, { method }))).toEqual(nothing)
    }
    for (const path of ['/', '/webhooks', '/webhooks/gitlab', '/webhooks/github/x', '/__proto__', '/webhooks/GITHUB']) {
      expect(refused(await knock(house, { path, body: '{}' }))).toEqual(nothing)
    }
    const raw: [request: string, status: string][] = [
      ['GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', '400'],
      ['nonsense\r\n\r\n', '400'],
      [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431'],
    ]
    for (const [request, status] of raw) {
      const [head = '', body = ''] = (await knockRaw(house, request)).split('\r\n\r\n')
      expect(head).toContain(`HTTP/1.1 ${status} `)
      expect(JSON.parse(body)).toEqual({ code: 'invalid_input', message: expect.stringMatching(/^[A-Z].*\.$/) })
    }
    expect((await knock(house, { method: 'GET', path: '/health/live' })).json).toEqual({ status: 'live' })
  })

  it('is closed while no secret is configured', async () => {
    const house = await openHouse('pglite')
    // The start asks for a secret; this is the second net.
    const app = await house.start({}, webOnly)
    expect(refused(await deliver(house, '{}', { secret: '' }))).toEqual(refusal(401, 'unauthenticated'))
    const config = house.config()
    await app.reconfigure({ ...config, github: { ...config.github, webhook_secret: null } })
    expect(refused(await deliver(house, await labelBody(house)))).toEqual(refusal(503, 'unavailable'))
    expect(await countedAtDoor(house)).toEqual({ unauthenticated: 1, unavailable: 1 })
    expect((await rowsOf(house)).deliveries).toEqual([])
  })
})

describeOnEachHouse('a delivery', (open) => {
  it('is taken once, whatever comes under its id or with its body, and read for what it is', async () => {
    const house = await open()
    await house.start({}, webOnly)
    const body = await labelBody(house)
    const id = randomUUID()
    const first = await deliver(house, body, { id })
    expect(first).toMatchObject({ status: 202, json: { known: false, disposition: 'started' } })
    const runs = first.json['runs']

    expect(await deliver(house, body, { id })).toMatchObject({ status: 200, json: { known: true, runs } })
    const another = body.replace('"ai"', '"ai "')
    expect(await deliver(house, another, { id })).toMatchObject({ status: 200, json: { known: true, runs } })
    expect(await deliver(house, body)).toMatchObject({
      status: 202,
      json: {
        known: false,
        disposition: 'ignored',
        reason: `The same body arrived before, as delivery ${id}.`,
        runs: [],
      },
    })

    const unused = await deliver(house, '{"zen":"Keep it logically awesome.","hook_id":1}', { event: 'ping' })
    expect(unused).toMatchObject({
      status: 202,
      json: { disposition: 'ignored', reason: expect.stringContaining('ping') },
    })
    const other = await deliver(house, await labelBody(house, 'bug'))
    expect(other).toMatchObject({
      status: 202,
      json: { disposition: 'ignored', reason: expect.stringContaining('issue.labeled') },
    })

    const form = `payload=${encodeURIComponent(JSON.stringify({ ...JSON.parse(body), as: 'a form' }))}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await deliver(house, form, { headers })).toMatchObject({
      status: 202,
      json: { disposition: 'joined', runs },
    })

    const rows = await rowsOf(house)
    expect(rows.runs.map((run) => run.id)).toEqual(runs)
    expect(rows.deliveries.map((row) => row.disposition).sort()).toEqual([
      'ignored',
      'ignored',
      'ignored',
      'joined',
      'started',
    ])
    expect(rows.deliveries.filter((row) => row.disposition === 'ignored' && !row.reason)).toEqual([])
    expect(await countedAtDoor(house)).toEqual({ started: 1, joined: 1, ignored: 3, known: 2 })
  })
})

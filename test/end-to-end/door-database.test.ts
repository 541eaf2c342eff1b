import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { type House, openHouse, until } from './house.ts'
import type { Answer } from './knock.ts'
import { deliver, knock, labelBody } from './knock.ts'

const webOnly = { worker: false }
const unavailable = {
  status: 503,
  json: { code: expect.stringMatching(/^(?:store_)?unavailable$/), message: expect.stringMatching(/^[A-Z].*\.$/) },
}

const storedIds = (house: House): Promise<string[]> =>
  house.look(async ({ db }) =>
    (await db.selectFrom('deliveries').select('delivery_id').execute()).map((row) => row.delivery_id),
  )

/** A knock whose answer can be looked for without waiting for it. */
const watched = (knocking: Promise<Answer>): { answer: Promise<Answer>; isAnswered: () => boolean } => {
  let answered = false
  const answer = knocking.finally(() => {
    answered = true
  })
  return { answer, isAnswered: () => answered }
}

describe('a delivery while the embedded database', () => {
  it('is busy waits for its row', async () => {
    const house = await openHouse('pglite')
    const app = await house.start({}, webOnly)
    const body = await labelBody(house)
    const busy = Promise.withResolvers<void>()
    const holding = app
      .database()
      .db.transaction()
      .execute(() => busy.promise)
    const { answer, isAnswered } = watched(deliver(house, body, { id: 'patient' }))
    // The server is awake all the while, so that the other would be answered by now if it did not wait.
    for (let round = 0; round < 20; round++) await knock(house, { method: 'GET', path: '/health/live' })
    expect(isAnswered()).toBe(false)
    busy.resolve()
    await holding
    expect(await answer).toMatchObject({ status: 202, json: { disposition: 'started' } })
    expect(await storedIds(house)).toEqual(['patient'])
  })
})

describe.skipIf(inject('templates').postgresUrl === null)('a delivery while PostgreSQL', () => {
  it('is slow waits for its row, and is not acknowledged when the connection is cut in between', async () => {
    const house = await openHouse('postgres')
    await house.start({}, webOnly)
    const body = await labelBody(house)
    const admin = await administratorOf(house)

    const slow = watched(deliver(house, body, { id: 'slow' }))
    await admin.query('select 1')
    expect(await slow.answer).toMatchObject({ status: 202 })

    await admin.query('begin; lock table deliveries in access exclusive mode')
    const waiting = watched(deliver(house, await labelBody(house), { id: 'waiting' }))
    await until('it waits for the table', async () => (await waitingFor(admin)).length === 1)
    expect(waiting.isAnswered()).toBe(false)
    await admin.query('rollback')
    expect(await waiting.answer).toMatchObject({ status: 202 })

    await admin.query('begin; lock table deliveries in access exclusive mode')
    const other = (await labelBody(house)).replace('"ai"', '"cut"')
    const cut = watched(deliver(house, other, { id: 'cut' }))
    // It is tried once more, and cut off again.
    await until('it gives up', async () => {
      for (const pid of await waitingFor(admin)) await admin.query('select pg_terminate_backend($1)', [pid])
      return cut.isAnswered()
    })
    expect(await cut.answer).toMatchObject(unavailable)
    await admin.query('rollback')
    expect((await storedIds(house)).sort()).toEqual(['slow', 'waiting'])
    // GitHub's "Redeliver", or the reconciler.
    expect(await deliver(house, other, { id: 'cut' })).toMatchObject({ status: 202, json: { known: false } })
  })

  it('is away is not acknowledged; the server is alive, not ready, and takes up again by itself', async () => {
    const house = await openHouse('postgres')
    await house.start({}, webOnly)
    const body = await labelBody(house)
    const admin = await administratorOf(house, 'postgres')
    const name = new URL(house.config().database.url ?? '').pathname.slice(1)
    const ready = () => knock(house, { method: 'GET', path: '/health/ready' })
    expect(await ready()).toMatchObject({ status: 200, json: { status: 'ready', database: 'postgres' } })

    await admin.query(`alter database ${name} with allow_connections false`)
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
    expect(await ready()).toMatchObject(unavailable)
    const id = randomUUID()
    expect(await deliver(house, body, { id })).toMatchObject(unavailable)
    expect(await knock(house, { method: 'GET', path: '/health/live' })).toMatchObject({ status: 200 })

    await admin.query(`alter database ${name} with allow_connections true`)
    await until('it is ready again', async () => (await ready()).status === 200)
    expect(await deliver(house, body, { id })).toMatchObject({ status: 202, json: { known: false } })
    expect(await storedIds(house)).toEqual([id])
  })
})

/** A session of our own on the server, in the house's database or another. */
const administratorOf = async (house: House, database?: string): Promise<pg.Client> => {
  const url = new URL(house.config().database.url ?? '')
  if (database !== undefined) url.pathname = `/${database}`
  const client = new pg.Client({ connectionString: url.href })
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

const waitingFor = async (admin: pg.Client): Promise<number[]> => {
  const { rows } = await admin.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows.map((row) => row.pid)
}

import { sql } from 'kysely'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import {
  type Breaker,
  claimProbe,
  countFailure,
  countSuccess,
  endProbe,
  loadBreakers,
  openBreakers,
  renewProbe,
} from './circuit-breakers.ts'
import type { Db } from './database.ts'

const settings = { failures: 3, openSeconds: 30, mostOpenSeconds: 100 }
const failure = { code: 'unavailable' as const, message: 'HTTP 502' }

describeOnEachDatabase('the breaker of a service', (open) => {
  let database: TestDatabase
  let db: Db
  beforeAll(async () => {
    database = await open()
    db = database.db
  })
  beforeEach(async () => {
    await sql`delete from circuit_breakers`.execute(db)
  })

  const fail = () => countFailure(db, 'github', failure, settings)
  const only = async (): Promise<Breaker> => (await loadBreakers(db))[0] as Breaker
  const due = () => sql`update circuit_breakers set retry_at = now() - interval '1 second'`.execute(db)

  test('opens with the last failure in a row that is allowed, and not before', async () => {
    await fail()
    await fail()
    await countSuccess(db, 'github')
    await fail()
    await fail()
    expect(await only()).toMatchObject({ state: 'closed', failures: 2, openedAt: null, retryAt: null })
    expect(await openBreakers(db)).toEqual([])
    expect(await fail()).toMatchObject({ state: 'open', failures: 3, lastFailure: failure })
    expect((await only()).retryInMs).toBeGreaterThan(25_000)
    expect((await openBreakers(db)).map(({ service }) => service)).toEqual(['github'])
  })

  test('opens at once where no failure is allowed', async () => {
    expect(await countFailure(db, 'github', failure, { ...settings, failures: 1 })).toMatchObject({
      state: 'open',
      failures: 1,
    })
  })

  test('counts failures of all workers at once, and opens once', async () => {
    const came = await Promise.all(Array.from({ length: 12 }, fail))
    expect(came.filter((breaker) => breaker?.state === 'open')).toHaveLength(1)
    // What was under way when it opened does not make it longer.
    expect(await only()).toMatchObject({ state: 'open', failures: 3 })
    await countSuccess(db, 'github')
    expect(await only()).toMatchObject({ state: 'open', failures: 3 })
  })

  test('gives the probe to one of many, when its time has come', async () => {
    for (let count = 0; count < 3; count++) await fail()
    const claim = () =>
      Promise.all(Array.from({ length: 12 }, (_, index) => claimProbe(db, 'github', `worker ${index}`, 10)))
    expect((await claim()).filter(Boolean)).toEqual([])
    await due()
    expect((await claim()).filter(Boolean)).toEqual([true])
    expect(await only()).toMatchObject({ state: 'half_open' })
    expect((await claim()).filter(Boolean)).toEqual([])
  })

  test('closes with an answer to the probe, and forgets its failures', async () => {
    for (let count = 0; count < 3; count++) await fail()
    await due()
    await claimProbe(db, 'github', 'a', 10)
    expect(await endProbe(db, 'github', 'a', { of: 'well' })).toMatchObject({
      state: 'closed',
      failures: 0,
      openedAt: null,
      retryAt: null,
    })
  })

  test('stays open for twice as long with each probe that fails, up to the longest', async () => {
    for (let count = 0; count < 3; count++) await fail()
    const { openedAt } = await only()
    const seconds: number[] = []
    for (let probe = 0; probe < 3; probe++) {
      await due()
      await claimProbe(db, 'github', 'a', 10)
      const after = await endProbe(db, 'github', 'a', { of: 'ill', failure, settings })
      seconds.push(Math.round((after?.retryInMs ?? 0) / 1000))
    }
    expect(seconds).toEqual([60, 100, 100])
    expect(await only()).toMatchObject({ state: 'open', failures: 6, openedAt })
  })

  test('lets the next one probe at once when a probe has learnt nothing', async () => {
    for (let count = 0; count < 3; count++) await fail()
    await due()
    await claimProbe(db, 'github', 'a', 10)
    expect(await endProbe(db, 'github', 'a', { of: 'unknown' })).toMatchObject({ state: 'open', failures: 3 })
    expect(await claimProbe(db, 'github', 'b', 10)).toBe(true)
  })

  test('takes the probe from an owner that has died, and hears no more of it', async () => {
    for (let count = 0; count < 3; count++) await fail()
    await due()
    await claimProbe(db, 'github', 'dead', 10)
    expect(await renewProbe(db, 'github', 'dead', 10)).toBe(true)
    expect(await claimProbe(db, 'github', 'next', 10)).toBe(false)
    await due()
    expect(await claimProbe(db, 'github', 'next', 10)).toBe(true)
    expect(await renewProbe(db, 'github', 'dead', 10)).toBe(false)
    expect(await endProbe(db, 'github', 'dead', { of: 'ill', failure, settings })).toBeNull()
    expect(await only()).toMatchObject({ state: 'half_open', failures: 3 })
  })
})

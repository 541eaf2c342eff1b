import { sql } from 'kysely'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { classify } from '../domain/error-class.ts'
import { type ErrorCode, failureOf, JourneymanError } from '../domain/errors.ts'
import { loadBreakers } from '../store/circuit-breakers.ts'
import type { Database } from '../store/database.ts'
import { type BreakersOptions, createBreakers } from './breakers.ts'
import { refusalRules } from './refusal.ts'

const settings = { failures: 2, openSeconds: 30, mostOpenSeconds: 600 }
const failWith = (code: ErrorCode) => async () => {
  throw new JourneymanError(code, `It is ${code}.`, { service: 'github' })
}
const answer = async () => 'answered'

describeOnEachDatabase('calls of a service', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  beforeEach(async () => {
    await sql`delete from circuit_breakers`.execute(database.db)
  })

  let workers = 0
  const worker = (more: Partial<BreakersOptions> = {}) => {
    const logged: string[] = []
    const breakers = createBreakers({
      db: database.db,
      owner: `worker-${++workers}`,
      settings: () => settings,
      log: (_level, message) => void logged.push(message),
      refreshMs: 0,
      ...more,
    })
    const call = (work: () => Promise<unknown>) => breakers.pass('github', work).catch(failureOf)
    return { breakers, call, logged }
  }
  const due = () => sql`update circuit_breakers set retry_at = now() - interval '1 second'`.execute(database.db)
  const state = async () => (await loadBreakers(database.db))[0]

  it('are refused at once by all workers once two of them have seen it fail, and nothing is called', async () => {
    const [one, other] = [worker(), worker()]
    await one.call(failWith('timeout'))
    await other.call(failWith('overloaded'))
    let called = 0
    const refused = await one.call(async () => void called++)
    expect(called).toBe(0)
    expect(refused).toMatchObject({
      code: 'unavailable',
      service: 'github',
      detail: { breaker: 'open', charge: 'free' },
    })
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(25_000)
    expect((refused as { message: string }).message).toMatch(
      /^GitHub has not answered 2 times in a row; it is tried again at \d\d:\d\d:\d\d UTC\.$/,
    )
    expect(other.logged).toEqual(['a service is ill and is not called for a while'])
  })

  it.each(['rate_limited', 'forbidden', 'not_found', 'invalid_input', 'conflict', 'stopped', 'internal'] as const)(
    'may fail with %s as often as they like',
    async (code) => {
      const { call } = worker()
      for (let count = 0; count < 5; count++) await call(failWith(code))
      expect(await call(answer)).toBe('answered')
    },
  )

  it('begin to count anew after an answer to any worker', async () => {
    const [one, other] = [worker(), worker()]
    await one.call(failWith('unavailable'))
    await other.call(answer)
    await one.call(failWith('unavailable'))
    expect(await state()).toMatchObject({ state: 'closed', failures: 1 })
  })

  it('are made by one to see whether the service is back, while the others wait', async () => {
    const [one, other] = [worker(), worker()]
    for (let count = 0; count < 2; count++) await one.call(failWith('unavailable'))
    await due()
    let finish: () => void = () => undefined
    const held = new Promise<string>((resolve) => {
      finish = () => resolve('answered')
    })
    let begun: () => void = () => undefined
    const beginning = new Promise<void>((resolve) => {
      begun = resolve
    })
    const probe = one.call(() => {
      begun()
      return held
    })
    await beginning
    const [refused, alsoRefused] = await Promise.all([other.call(answer), one.call(answer)])
    expect([refused, alsoRefused]).toMatchObject([{ detail: { breaker: 'half_open' } }, { code: 'unavailable' }])
    finish()
    expect(await probe).toBe('answered')
    expect(await other.call(answer)).toBe('answered')
    expect(one.logged).toContain('a service is back')
  })

  it('wait for longer when it is not back, and try again at once when that was not to be learnt', async () => {
    const { call } = worker()
    for (let count = 0; count < 2; count++) await call(failWith('unavailable'))
    await due()
    await call(failWith('stopped'))
    expect(await state()).toMatchObject({ state: 'open', failures: 2, retryInMs: 0 })
    await call(failWith('unavailable'))
    const after = await state()
    expect(after).toMatchObject({ state: 'open', failures: 3 })
    expect(after?.retryInMs).toBeGreaterThan(55_000)
  })

  it('are put off, too, when they were the ones that found out', async () => {
    const { call } = worker()
    expect(await call(failWith('timeout'))).not.toHaveProperty('retryAfterMs')
    expect(await call(failWith('timeout'))).toMatchObject({
      code: 'timeout',
      message: 'It is timeout.',
      retryAfterMs: expect.toSatisfy((ms: number) => ms > 25_000 && ms < 36_000),
      detail: { breaker: 'opened' },
    })
    await due()
    expect(await call(failWith('unavailable'))).toMatchObject({
      retryAfterMs: expect.toSatisfy((ms: number) => ms > 55_000),
      detail: { breaker: 'opened' },
    })
  })

  it('that are answered cost one look into the table, and no write', async () => {
    const statements: string[] = []
    const { call } = worker({ db: watched(database, statements), refreshMs: 60_000 })
    for (let count = 0; count < 50; count++) await call(answer)
    expect(statements).toEqual(['select'])
  })

  it('learn of an opening by others when what they know is too old', async () => {
    const slow = worker({ refreshMs: 60_000 })
    const quick = worker({ refreshMs: 0 })
    await slow.call(answer)
    await quick.call(answer)
    const third = worker()
    for (let count = 0; count < 2; count++) await third.call(failWith('unavailable'))
    expect(await slow.call(answer)).toBe('answered')
    expect(await quick.call(answer)).toMatchObject({ detail: { breaker: 'open' } })
  })

  it('go on without our own database', async () => {
    const gone = { ...database.db } as never
    const { call } = worker({ db: gone })
    await call(failWith('unavailable'))
    await call(failWith('unavailable'))
    expect(await call(answer)).toBe('answered')
  })
})

describe('a refusal', () => {
  it('is waited out, and other failures of the service keep their class', () => {
    const rules = refusalRules(['github'])
    const failure = { code: 'unavailable', message: 'x', service: 'github' } as const
    expect(classify({ ...failure, detail: { breaker: 'open' } }, rules)).toBe('rate_limited')
    expect(classify(failure, rules)).toBe('transient')
  })
})

/** The same database; what kind of statement each was. */
const watched = (database: Database, statements: string[]): BreakersOptions['db'] =>
  database.db.withPlugin({
    transformQuery: ({ node }) => {
      statements.push(node.kind.replace('QueryNode', '').toLowerCase())
      return node
    },
    transformResult: async ({ result }) => result,
  })

import { beforeAll, expect, test } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { insertTestRun, stepImage } from '../../test/rows.ts'
import type { Claim } from '../domain/run.ts'
import type { Db } from './database.ts'
import { stepLines } from './run-states.ts'
import { loadSteps } from './steps.ts'
import { writeSteps } from './write-steps.ts'

const begin = (db: Db, claim: Claim, address: string, ordinal: number) =>
  writeSteps(db, claim, [stepImage({ address, ordinal, state: 'running' })])
const end = (db: Db, claim: Claim, address: string) =>
  writeSteps(db, claim, [stepImage({ address, state: 'done', result: { fine: true }, finishOrder: 1 })])

describeOnEachDatabase('a step', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const isDirty = async ({ runId }: Claim): Promise<boolean | undefined> =>
    (
      await database.db
        .selectFrom('workflow_executions')
        .select('report_dirty')
        .where('id', '=', runId)
        .executeTakeFirst()
    )?.report_dirty
  const told = ({ runId }: Claim) =>
    database.db.updateTable('workflow_executions').set({ report_dirty: false }).where('id', '=', runId).execute()

  test('is to be told of when it begins and when it ends, whether or not something was to be told before', async () => {
    const claim = await insertTestRun(database.db)
    await told(claim)
    await begin(database.db, claim, 'first', 1)
    expect(await isDirty(claim)).toBe(true)
    await end(database.db, claim, 'first')
    expect(await isDirty(claim)).toBe(true)
    await begin(database.db, claim, 'second', 2)
    await told(claim)
    await end(database.db, claim, 'second')
    expect(await isDirty(claim)).toBe(true)
    expect((await loadSteps(database.db, claim.runId)).map(({ state }) => state)).toEqual(['done', 'done'])
  })

  test('is neither begun nor ended by a worker that has lost its claim', async () => {
    const claim = await insertTestRun(database.db)
    await begin(database.db, claim, 'first', 1)
    await told(claim)
    const stale = { ...claim, owner: 'another' }
    await expect(begin(database.db, stale, 'second', 2)).rejects.toMatchObject({ code: 'stale_epoch' })
    await expect(end(database.db, stale, 'first')).rejects.toMatchObject({ code: 'stale_epoch' })
    expect(await loadSteps(database.db, claim.runId)).toMatchObject([{ address: 'first', state: 'running' }])
    expect(await isDirty(claim)).toBe(false)
  })

  test('is written with others in one statement, twice without a difference, also where one gave much', async () => {
    const claim = await insertTestRun(database.db)
    const large = 'x'.repeat(100_000)
    const images = [
      stepImage({ address: 'small', ordinal: 1, result: { n: 1 }, evaluated: { a: 1 }, finishOrder: 1 }),
      stepImage({ address: 'large', ordinal: 2, result: { large }, snapshot: 'abc', finishOrder: 2 }),
      stepImage({
        address: 'failed',
        ordinal: 3,
        state: 'failed',
        retryInSeconds: 60,
        retries: { transient: 1 },
        attempts: 2,
      }),
      stepImage({ address: 'skipped', ordinal: 4, state: 'skipped', reason: 'no', memo: { cancelled: true } }),
    ]
    await writeSteps(database.db, claim, images)
    await writeSteps(database.db, claim, images)
    const rows = await loadSteps(database.db, claim.runId)
    expect(rows).toMatchObject([
      { address: 'small', result: { n: 1 }, evaluated: { a: 1 }, attempts: 1, finishOrder: 1, snapshot: null },
      { address: 'large', result: { large }, snapshot: 'abc' },
      { address: 'failed', retries: { transient: 1 }, attempts: 2 },
      { address: 'skipped', reason: 'no', memo: { cancelled: true } },
    ])
    expect(rows[2]?.retryInSeconds).toBeGreaterThan(50)
  })

  test('keeps how its tries have failed, the latest twenty, whether or not a statement is made again', async () => {
    const claim = await insertTestRun(database.db)
    for (let attempts = 1; attempts <= 25; attempts++) {
      const failure = { code: 'timeout' as const, message: `${attempts} ${'x'.repeat(2000)}` }
      const images = [stepImage({ address: 'first', state: 'failed', attempts, failure })]
      await writeSteps(database.db, claim, images)
      await writeSteps(database.db, claim, images)
    }
    await writeSteps(database.db, claim, [stepImage({ address: 'first', state: 'done', attempts: 26, result: {} })])
    const [line] = await stepLines(database.db, claim.runId)
    expect(line?.failedAttempts.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, at) => at + 6))
    expect(line?.failedAttempts[19]).toMatchObject({ attempt: 25, code: 'timeout', message: `25 ${'x'.repeat(497)}` })
    const { begunAt, at } = line!.failedAttempts[19]!
    expect(Date.parse(at)).toBeGreaterThanOrEqual(Date.parse(begunAt))
  })

  test('waits for no other of its run for long, and none is lost', async () => {
    const claim = await insertTestRun(database.db)
    await told(claim)
    const addresses = Array.from({ length: 24 }, (_, index) => `step_${index}`)
    await Promise.all(
      addresses.map(async (address, index) => {
        await begin(database.db, claim, address, index)
        if (index % 6 === 0) await told(claim)
        await end(database.db, claim, address)
      }),
    )
    expect(await loadSteps(database.db, claim.runId)).toHaveLength(addresses.length)
    expect(await isDirty(claim)).toBe(true)
  })

  test.skipIf(kind === 'pglite')('that ends while people are being told is told of again', async () => {
    const claim = await insertTestRun(database.db)
    await begin(database.db, claim, 'first', 1)
    let ending: Promise<void> = Promise.resolve()
    await database.db.transaction().execute(async (tx) => {
      // What a reporter does first, and has not committed yet.
      await tx.updateTable('workflow_executions').set({ report_dirty: false }).where('id', '=', claim.runId).execute()
      ending = end(database.db, claim, 'first')
      const waiting = `select count(*) as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      await expect.poll(async () => (await database.query(waiting)).rows[0]?.['waiting']).toBe(1)
    })
    await ending
    expect(await isDirty(claim)).toBe(true)
  })
})

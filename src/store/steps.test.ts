import { beforeAll, expect, test } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { insertTestRun } from '../../test/rows.ts'
import type { Claim } from '../domain/run.ts'
import { beginStep, endStep, loadSteps } from './steps.ts'

const step = (address: string, ordinal: number) => ({
  address,
  name: address,
  kind: 'system',
  ordinal,
  newAttempt: true,
})
const done = { state: 'done', result: { fine: true }, snapshot: null } as const

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
    await beginStep(database.db, claim, step('first', 1))
    expect(await isDirty(claim)).toBe(true)
    await endStep(database.db, claim, 'first', done, null)
    expect(await isDirty(claim)).toBe(true)
    await beginStep(database.db, claim, step('second', 2))
    await told(claim)
    await endStep(database.db, claim, 'second', done, null)
    expect(await isDirty(claim)).toBe(true)
    expect((await loadSteps(database.db, claim.runId)).map(({ state }) => state)).toEqual(['done', 'done'])
  })

  test('is neither begun nor ended by a worker that has lost its claim', async () => {
    const claim = await insertTestRun(database.db)
    await beginStep(database.db, claim, step('first', 1))
    await told(claim)
    const stale = { ...claim, owner: 'another' }
    await expect(beginStep(database.db, stale, step('second', 2))).rejects.toMatchObject({ code: 'stale_epoch' })
    await expect(endStep(database.db, stale, 'first', done, null)).rejects.toMatchObject({ code: 'stale_epoch' })
    expect(await loadSteps(database.db, claim.runId)).toMatchObject([{ address: 'first', state: 'running' }])
    expect(await isDirty(claim)).toBe(false)
  })

  test('waits for no other of its run for long, and none is lost', async () => {
    const claim = await insertTestRun(database.db)
    await told(claim)
    const addresses = Array.from({ length: 24 }, (_, index) => `step_${index}`)
    await Promise.all(
      addresses.map(async (address, index) => {
        await beginStep(database.db, claim, step(address, index))
        if (index % 6 === 0) await told(claim)
        await endStep(database.db, claim, address, done, null)
      }),
    )
    expect(await loadSteps(database.db, claim.runId)).toHaveLength(addresses.length)
    expect(await isDirty(claim)).toBe(true)
  })

  test.skipIf(kind === 'pglite')('that ends while people are being told is told of again', async () => {
    const claim = await insertTestRun(database.db)
    await beginStep(database.db, claim, step('first', 1))
    let ending: Promise<void> = Promise.resolve()
    await database.db.transaction().execute(async (tx) => {
      // What a reporter does first, and has not committed yet.
      await tx.updateTable('workflow_executions').set({ report_dirty: false }).where('id', '=', claim.runId).execute()
      ending = endStep(database.db, claim, 'first', done, null)
      const waiting = `select count(*) as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      await expect.poll(async () => (await database.query(waiting)).rows[0]?.['waiting']).toBe(1)
    })
    await ending
    expect(await isDirty(claim)).toBe(true)
  })
})

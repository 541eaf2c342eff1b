import { beforeAll, expect, test } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { insertTestRun } from '../../test/rows.ts'
import { assertClaim, isClaimed } from './claimed.ts'

describeOnEachDatabase('a claim', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  test('holds for its epoch and owner alone', async () => {
    const { db } = database
    const claim = await insertTestRun(db)
    const check = (other: Partial<typeof claim>) =>
      db.transaction().execute((tx) => assertClaim(tx, { ...claim, ...other }))
    await check({})
    for (const stale of [{ epoch: 0 }, { epoch: 2 }, { owner: 'worker-2' }, { runId: 'run_none' }]) {
      await expect(check(stale)).rejects.toMatchObject({ code: 'stale_epoch' })
      expect(await isClaimed(db, { ...claim, ...stale })).toBe(false)
    }
    expect(await isClaimed(db, claim)).toBe(true)
  })

  test.skipIf(kind === 'pglite')('keeps others from claiming until the write it was checked for is done', async () => {
    const { db } = database
    const claim = await insertTestRun(db)
    const order: string[] = []
    const checked = Promise.withResolvers<void>()
    const write = db.transaction().execute(async (tx) => {
      await assertClaim(tx, claim)
      checked.resolve()
      await database.query('select pg_sleep(0.2)')
      order.push('written')
    })
    await checked.promise
    const taken = database
      .query('update workflow_executions set epoch = epoch + 1 where id = $1', [claim.runId])
      .then(() => order.push('claimed'))
    await Promise.all([write, taken])
    expect(order).toEqual(['written', 'claimed'])
  })
})

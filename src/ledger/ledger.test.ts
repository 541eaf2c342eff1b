import { beforeAll, expect, test } from 'vitest'
import { fc, times } from '../../test/at-random.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { insertTestRun } from '../../test/rows.ts'
import type { ModelPrice } from '../domain/money.ts'
import type { Claim } from '../domain/run.ts'
import type { Db } from '../store/database.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { parsePrices } from './prices.ts'
import { reserve } from './reserve.ts'
import { forfeit, releaseFree, settle } from './settle.ts'

const price: ModelPrice = { input: 1, output: 1, cacheRead: 0.1, cacheWrite: 1 }
const prices = parsePrices('m: [{ valid_from: 2020-01-01, input: 1, output: 1, cache_read: 0.1, cache_write: 1 }]', 'p')
const usageOf = (cost: number) => ({ input: cost, output: 0, cacheRead: 0, cacheWrite: 0 })

describeOnEachDatabase('the ledger of money', (open) => {
  let database: TestDatabase
  let db: Db
  let ledger: Ledger
  beforeAll(async () => {
    database = await open({ poolSize: 16 })
    db = database.db
    ledger = createLedger(db, prices)
  })

  /** The month is shared by all tests: each begins with none of it spent. */
  const freshMonth = async (): Promise<void> => {
    await database.query('delete from budgets')
    await database.query('delete from cost_tracking')
  }
  const call = (inputTokens: number, caps: { run: number; month: number }) => ({
    address: 'generate_code',
    agentId: 'agent_1',
    turn: 1,
    model: 'm',
    inputTokens,
    maxOutputTokens: 0,
    runCap: caps.run,
    monthlyCap: caps.month,
  })
  const budget = async (scope: 'run' | 'month') =>
    db
      .selectFrom('budgets')
      .select(['cap', 'reserved', 'settled', 'overrun'])
      .where('scope', '=', scope)
      .executeTakeFirst()
  const settleNow = (id: string, cost: number | null) =>
    db.transaction().execute((tx) => ledger.settle(tx, id, 'm', cost === null ? null : usageOf(cost)))

  test('reserves the most, settles what it was, twice is once', async () => {
    await freshMonth()
    const claim = await insertTestRun(db)
    const { id, amount } = await ledger.reserve(claim, call(100, { run: 1_000, month: 5_000 }))
    expect(amount).toBe(100)
    expect(await budget('run')).toEqual({ cap: 1_000, reserved: 100, settled: 0, overrun: 0 })
    expect(await budget('month')).toEqual({ cap: 5_000, reserved: 100, settled: 0, overrun: 0 })
    expect(await settleNow(id, 40)).toEqual({ cost: 40, usage: usageOf(40) })
    expect(await settleNow(id, 70)).toEqual({ cost: 40, usage: usageOf(40) })
    expect(await budget('run')).toEqual({ cap: 1_000, reserved: 0, settled: 40, overrun: 0 })
    expect(await ledger.costOf(claim.runId)).toBe(40)
  })

  test('refuses what a cap does not leave, says which and what to do, and keeps nothing of it', async () => {
    await freshMonth()
    const claim = await insertTestRun(db)
    await ledger.reserve(claim, call(900, { run: 1_000, month: 10_000 }))
    await expect(ledger.reserve(claim, call(101, { run: 1_000, month: 10_000 }))).rejects.toMatchObject({
      code: 'budget_exceeded',
      nextAction: expect.stringContaining('runs.max_cost_usd'),
      detail: { scope: 'run', cap: 1_000, left: 100, amount: 101 },
    })
    await expect(ledger.reserve(claim, call(50, { run: 1_000, month: 920 }))).rejects.toMatchObject({
      code: 'budget_exceeded',
      nextAction: expect.stringContaining('budget.monthly_usd'),
      detail: { scope: 'month', left: 20 },
    })
    expect(await budget('run')).toMatchObject({ reserved: 900 })
    expect(await budget('month')).toMatchObject({ reserved: 900 })
    await ledger.reserve(claim, call(100, { run: 1_000, month: 10_000 }))
  })

  test('a cap of nothing allows nothing, and a raised cap counts at once', async () => {
    await freshMonth()
    const claim = await insertTestRun(db)
    await expect(ledger.reserve(claim, call(1, { run: 0, month: 100 }))).rejects.toMatchObject({
      detail: { scope: 'run', left: 0 },
    })
    await ledger.reserve(claim, call(50, { run: 50, month: 100 }))
    await expect(ledger.reserve(claim, call(1, { run: 50, month: 100 }))).rejects.toMatchObject({
      code: 'budget_exceeded',
    })
    await ledger.reserve(claim, call(10, { run: 60, month: 100 }))
    expect(await budget('run')).toMatchObject({ cap: 60, reserved: 60 })
  })

  test('without usage, or without a price for it, the whole reserve is charged', async () => {
    await freshMonth()
    const claim = await insertTestRun(db)
    const first = await ledger.reserve(claim, call(100, { run: 1_000, month: 1_000 }))
    expect(await settleNow(first.id, null)).toMatchObject({ cost: 100 })
    const second = await ledger.reserve(claim, call(100, { run: 1_000, month: 1_000 }))
    const settled = await db.transaction().execute((tx) => ledger.settle(tx, second.id, 'unheard-of', usageOf(1)))
    expect(settled.cost).toBe(100)
    await expect(
      ledger.reserve(claim, { ...call(1, { run: 9, month: 9 }), model: 'unheard-of' }),
    ).rejects.toMatchObject({
      code: 'unknown_price',
    })
  })

  test('a cost above its reserve is paid from what the cap leaves, and only the rest is overrun', async () => {
    await freshMonth()
    const claim = await insertTestRun(db)
    const { id } = await ledger.reserve(claim, call(100, { run: 150, month: 1_000 }))
    await settleNow(id, 180)
    expect(await budget('run')).toEqual({ cap: 150, reserved: 0, settled: 150, overrun: 30 })
    expect(await budget('month')).toEqual({ cap: 1_000, reserved: 0, settled: 180, overrun: 0 })
    expect(await ledger.costOf(claim.runId)).toBe(180)
  })

  test('a refused call is free, an uncertain one stays charged, and so does what a killed worker left', async () => {
    await freshMonth()
    const claim = await insertTestRun(db)
    const caps = { run: 1_000, month: 1_000 }
    const free = await ledger.reserve(claim, call(10, caps))
    const uncertain = await ledger.reserve(claim, call(20, caps))
    await ledger.reserve(claim, call(30, caps))
    const abandoned = await ledger.reserve(claim, call(40, caps))
    await ledger.free(claim, free.id, '429')
    await ledger.forfeit(claim, uncertain.id, 'the stream was cut')
    const next = { ...claim, epoch: claim.epoch + 1, owner: 'worker-2' }
    await database.query('update workflow_executions set epoch = $1, lease_owner = $2 where id = $3', [
      next.epoch,
      next.owner,
      next.runId,
    ])
    await ledger.forfeitAbandoned(next)
    expect(await budget('run')).toEqual({ cap: 1_000, reserved: 0, settled: 90, overrun: 0 })
    expect(await ledger.costOf(claim.runId)).toBe(90)
    // The answer of the worker that lost the run comes late: it changes nothing.
    expect(await settleNow(abandoned.id, 5)).toMatchObject({ cost: 40 })
    expect(await budget('run')).toMatchObject({ settled: 90 })
  })

  test('a worker that has lost the run reserves and ends nothing', async () => {
    await freshMonth()
    const claim = await insertTestRun(db)
    const { id } = await ledger.reserve(claim, call(10, { run: 100, month: 100 }))
    for (const stale of [
      { ...claim, epoch: 0 },
      { ...claim, owner: 'another' },
      { ...claim, runId: 'run_none' },
    ]) {
      await expect(ledger.reserve(stale, call(1, { run: 100, month: 100 }))).rejects.toMatchObject({
        code: 'stale_epoch',
      })
      await expect(ledger.free(stale, id, '')).rejects.toMatchObject({ code: 'stale_epoch' })
      await expect(ledger.forfeit(stale, id, '')).rejects.toMatchObject({ code: 'stale_epoch' })
      // Of a run that has none there is nothing to refuse.
      const nothing = stale.runId === claim.runId ? 'refused' : 'nothing to do'
      expect(
        await ledger.forfeitAbandoned(stale).then(
          () => 'nothing to do',
          () => 'refused',
        ),
      ).toBe(nothing)
    }
    expect(await budget('run')).toMatchObject({ reserved: 10 })
  })

  test('settled + reserved <= cap, for every cap, whatever 16 runs that share a month do at once', async () => {
    const claims = await Promise.all(Array.from({ length: 16 }, () => insertTestRun(db)))
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 6_000 }),
        fc.array(scripts, { minLength: 16, maxLength: 16 }),
        async (month, plans) => {
          await freshMonth()
          const caps = { month, run: 800 }
          const broken: string[] = []
          const watching = watch(database, broken)
          await Promise.all(plans.map((plan, index) => play(db, claims[index]!, plan, caps)))
          await watching.stop()
          expect(broken).toEqual([])
          expect(await unbalanced(database)).toEqual([])
        },
      ),
      { numRuns: times(8) },
    )
  })
})

/** What one run does: calls, each with how it ends. */
type Move = { tokens: number; end: 'settle' | 'unknown' | 'free' | 'forfeit' | 'leave' | 'twice'; share: number }
const scripts = fc.array(
  fc.record<Move>({
    tokens: fc.integer({ min: 0, max: 500 }),
    end: fc.constantFrom('settle', 'unknown', 'free', 'forfeit', 'leave', 'twice'),
    // Of the reserve; above 1 is a price that was not known.
    share: fc.double({ min: 0, max: 1.5, noNaN: true }),
  }),
  { minLength: 1, maxLength: 4 },
)

const play = async (db: Db, claim: Claim, moves: Move[], caps: { month: number; run: number }): Promise<void> => {
  for (const move of moves) {
    const request = { claim, address: 'a', agentId: null, turn: null, model: 'm', maxOutputTokens: 0, price, caps }
    const reserved = await reserve(db, { ...request, inputTokens: move.tokens }).catch((error: { code: string }) => {
      if (error.code !== 'budget_exceeded') throw error
      return null
    })
    if (!reserved) continue
    const usage = usageOf(Math.floor(reserved.amount * move.share))
    await db.transaction().execute(async (tx) => {
      if (move.end === 'settle' || move.end === 'twice') await settle(tx, reserved.id, usage, price)
      if (move.end === 'unknown') await settle(tx, reserved.id, null, price)
      if (move.end === 'free') await releaseFree(tx, reserved.id, 'refused')
      if (move.end === 'forfeit') await forfeit(tx, reserved.id, 'cut')
    })
    if (move.end === 'twice') await db.transaction().execute((tx) => forfeit(tx, reserved.id, 'again'))
  }
}

/** Looks again and again, from a connection of its own, while the runs are at it. */
const watch = (database: TestDatabase, broken: string[]) => {
  let over = false
  const looking = (async () => {
    while (!over) {
      const { rows } = await database.query('select * from budgets where settled + reserved > cap or reserved < 0')
      broken.push(...rows.map((row) => JSON.stringify(row)))
    }
  })()
  return {
    stop: () => {
      over = true
      return looking
    },
  }
}

/** Caps whose sums are not those of their reservations. */
const unbalanced = async (database: TestDatabase): Promise<unknown[]> => {
  const { rows } = await database.query(`
    select b.scope, b.key, b.reserved, b.settled, b.overrun from budgets b
    left join lateral (
      select coalesce(sum(c.reserved) filter (where c.state = 'reserved'), 0) as open, coalesce(sum(c.cost), 0) as cost
      from cost_tracking c where (b.scope = 'run' and c.run_id = b.key) or (b.scope = 'month' and c.month = b.key)
    ) sums on true
    where b.reserved <> sums.open or b.settled + b.overrun <> sums.cost`)
  return rows
}

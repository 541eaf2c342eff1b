import { beforeAll, expect, test } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { insertTestRun } from '../../test/rows.ts'
import { noUsage } from '../domain/money.ts'
import type { Claim } from '../domain/run.ts'
import { insertTurn, openConversation, updateTurn } from './agent-turns.ts'

const opening = { address: 'write_code', role: 'development', model: 'm', request: {} }

describeOnEachDatabase('the turns of an agent', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  const turnOf = async (): Promise<{ claim: Claim; agentId: string }> => {
    const claim = await insertTestRun(database.db)
    const { agentId } = await openConversation(database.db, claim, opening)
    const turn = { agentId, ordinal: 0, model: 'm', response: {}, usage: noUsage, cost: 0 }
    await database.db.transaction().execute((tx) => insertTurn(tx, turn))
    return { claim, agentId }
  }
  const turnsNow = async (claim: Claim) => (await openConversation(database.db, claim, opening)).turns

  test('get what the tools gave, and the snapshot, one after the other', async () => {
    const { claim, agentId } = await turnOf()
    await updateTurn(database.db, claim, agentId, 0, { results: [{ content: 'fine' }] })
    await updateTurn(database.db, claim, agentId, 0, { snapshot: 'abc' })
    expect(await turnsNow(claim)).toMatchObject([{ ordinal: 0, tool_results: [{ content: 'fine' }], snapshot: 'abc' }])
  })

  test('are not written by a worker that has lost its claim', async () => {
    const { claim, agentId } = await turnOf()
    const stale = { ...claim, epoch: claim.epoch - 1 }
    await expect(updateTurn(database.db, stale, agentId, 0, { snapshot: 'abc' })).rejects.toMatchObject({
      code: 'stale_epoch',
    })
    expect(await turnsNow(claim)).toMatchObject([{ snapshot: null }])
  })

  test.skipIf(kind === 'pglite')('wait for a claim that is just being taken over, and are refused by it', async () => {
    const { claim, agentId } = await turnOf()
    let late: Promise<unknown> = Promise.resolve()
    await database.db.transaction().execute(async (tx) => {
      await tx.updateTable('workflow_executions').set({ epoch: 2 }).where('id', '=', claim.runId).execute()
      late = updateTurn(database.db, claim, agentId, 0, { snapshot: 'abc' }).catch((error: unknown) => error)
      const waiting = `select count(*) as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      await expect.poll(async () => (await database.query(waiting)).rows[0]?.['waiting']).toBe(1)
    })
    expect(await late).toMatchObject({ code: 'stale_epoch' })
    expect(await turnsNow({ ...claim, epoch: 2 })).toMatchObject([{ snapshot: null }])
  })
})

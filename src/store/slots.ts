import { sql } from 'kysely'
import { type Claim, liveStates } from '../domain/run.ts'
import { assertClaim } from './claimed.ts'
import type { Db, Tx } from './database.ts'
import { wakeRun } from './runs.ts'

/** Takes the slot of a concurrency key, and gives the run that has it: this one, or another. Throws `stale_epoch`. */
export const takeSlot = (db: Db, claim: Claim, key: string): Promise<string> =>
  db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim, 'update')
    await tx
      .updateTable('workflow_executions')
      .set({ concurrency_key: key })
      .where('id', '=', claim.runId)
      .where(sql<boolean>`concurrency_key is distinct from ${key}`)
      .execute()
    // One statement: between two, the run that has it may free it, and then nobody would.
    const slot = await tx
      .insertInto('concurrency_slots')
      .values({ key, run_id: claim.runId })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ key }))
      .returning('run_id')
      .executeTakeFirstOrThrow()
    return slot.run_id
  })

/**
 * At the end of a run: frees its slot, and wakes and gives the run that has waited longest for it; null without one. One that
 * has only just found the slot taken does not park then. That run's row is locked before the slot, as by who takes it.
 */
export const freeSlot = async (tx: Tx, runId: string): Promise<string | null> => {
  const mine = await tx.selectFrom('concurrency_slots').select('key').where('run_id', '=', runId).execute()
  if (mine.length === 0) return null
  const keys = mine.map(({ key }) => key)
  const next = await tx
    .selectFrom('workflow_executions')
    .select('id')
    .where('concurrency_key', 'in', keys)
    .where('state', 'in', [...liveStates])
    .where('id', '!=', runId)
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  if (next) await wakeRun(tx, next.id)
  await tx.deleteFrom('concurrency_slots').where('run_id', '=', runId).execute()
  return next?.id ?? null
}

/** Whether that run was started after the other, by the database's clock; of two that came in one batch, by their ids. */
export const cameLater = async (db: Db, runId: string, other: string): Promise<boolean> => {
  const { rows } = await sql`
    select 1 from workflow_executions as run join workflow_executions as other on other.id = ${other}
    where run.id = ${runId} and (run.created_at, run.id) > (other.created_at, other.id)`.execute(db)
  return rows.length > 0
}

import { type RawBuilder, sql } from 'kysely'
import type { Failure } from '../domain/errors.ts'
import { type Claim, liveStates, type RunState } from '../domain/run.ts'
import { ask, staleEpoch } from './claimed.ts'
import type { Tx } from './database.ts'
import { toJson } from './json.ts'

/** The written end. The caller has checked the claim in the same transaction. `shown`: whether people are to be told of it. */
export const finishRun = async (
  tx: Tx,
  id: string,
  state: RunState,
  failure: Failure | null,
  shown: boolean | RawBuilder<boolean> = true,
): Promise<void> => {
  await ended(tx, id, { state, failure, shown }).execute()
}

/** The same by the worker that has the run. Throws `stale_epoch`. */
export const finishClaimed = async (tx: Tx, claim: Claim, state: RunState, failure: Failure | null): Promise<void> => {
  const row = await ended(tx, claim.runId, { state, failure, shown: true })
    .where('epoch', '=', claim.epoch)
    .where('lease_owner', '=', claim.owner)
    .returning('id')
    .executeTakeFirst()
  if (!row) throw staleEpoch(claim)
}

/**
 * What a written end ends with it, when the run's row is locked by it: no step is under way any more, and nobody is asked. Says
 * whether the run has a slot to be freed, and whether anybody came too late for it. In one statement, since every run has it.
 */
export const endWithRun = async (
  tx: Tx,
  runId: string,
  failure: Failure,
): Promise<{ hasSlot: boolean; hasLateComers: boolean }> => {
  const { rows } = await ask<{ slot: boolean; late: boolean }>(tx, ending, [
    toJson(failure),
    runId,
    runId,
    runId,
    runId,
  ])
  return { hasSlot: rows[0]?.slot === true, hasLateComers: rows[0]?.late === true }
}

const ending = `
  with ended as (
    update step_executions set state = 'failed', failure = $1::jsonb, retry_at = null, activity = null, finished_at = now()
    where run_id = $2 and state = 'running'),
  voided as (
    update approvals set state = 'voided', decided_at = now() where run_id = $3 and state = 'waiting')
  select exists (select from concurrency_slots where run_id = $4) as slot,
    exists (select from delivery_runs where run_id = $5 and role = 'joined' and late) as late`

const ended = (
  tx: Tx,
  id: string,
  end: { state: RunState; failure: Failure | null; shown: boolean | RawBuilder<boolean> },
) =>
  tx
    .updateTable('workflow_executions')
    .set({
      state: end.state,
      failure: end.failure === null ? null : toJson(end.failure),
      finished_at: sql`now()`,
      lease_owner: null,
      lease_until: null,
      wake_at: null,
      report_dirty: end.shown,
      updated_at: sql`now()`,
    })
    .where('id', '=', id)
    .where('state', 'in', [...liveStates])

import { type RawBuilder, sql } from 'kysely'
import type { Failure } from '../domain/errors.ts'
import { type Claim, liveStates, type RunState } from '../domain/run.ts'
import { staleEpoch } from './claimed.ts'
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

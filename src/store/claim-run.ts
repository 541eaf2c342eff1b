import { sql } from 'kysely'
import { type Claim, liveStates, type Run } from '../domain/run.ts'
import type { Db, Tx } from './database.ts'
import { inSeconds, runOf } from './runs.ts'

/**
 * Takes the run: raises its epoch and its count of claims, and holds the lease for so long. null when somebody holds it,
 * when it has ended, when it waits for a later time, or when nobody has acknowledged it yet.
 */
export const claimRun = async (db: Db, id: string, owner: string, leaseSeconds: number): Promise<ClaimedRun | null> => {
  const row = await db
    .updateTable('workflow_executions')
    .set({
      epoch: sql`epoch + 1`,
      claims: sql`claims + 1`,
      state: 'running',
      lease_owner: owner,
      lease_until: inSeconds(leaseSeconds),
      wake_at: null,
      woken: false,
      waited_seconds: sql`waited_seconds + coalesce(extract(epoch from now() - parked_at)::float, 0)`,
      parked_at: null,
      started_at: sql`coalesce(started_at, now())`,
      report_dirty: true,
      updated_at: sql`now()`,
    })
    .where('id', '=', id)
    .where('state', 'in', [...liveStates])
    .where('acknowledged_at', 'is not', null)
    .where(sql<boolean>`(lease_until is null or lease_until < now())`)
    .where(sql<boolean>`(wake_at is null or wake_at <= now())`)
    .returningAll()
    .returning(secondsLeft)
    .executeTakeFirst()
  return row ? { ...runOf(row), secondsLeft: Number(row.left) } : null
}

/** With what its worker must hear of from time to time. */
export type ClaimedRun = Run & Heard
export type Heard = { stopRequestedBy: string | null; secondsLeft: number }

const secondsLeft = sql<number>`deadline_seconds + waited_seconds - extract(epoch from now() - started_at)::float`.as(
  'left',
)

/** null when the claim is lost. */
export const renewLease = async (db: Db, claim: Claim, leaseSeconds: number): Promise<Heard | null> => {
  const row = await db
    .updateTable('workflow_executions')
    .set({ lease_until: inSeconds(leaseSeconds) })
    .where('id', '=', claim.runId)
    .where('epoch', '=', claim.epoch)
    .where('lease_owner', '=', claim.owner)
    .where('state', '=', 'running')
    .returning(['stop_requested_by', secondsLeft])
    .executeTakeFirst()
  return row ? { stopRequestedBy: row.stop_requested_by, secondsLeft: Number(row.left) } : null
}

/**
 * Gives the run back, to be gone on with now or at that time. Gives false where something has come for it meanwhile: then it
 * does not park, and is gone on with at once. The caller holds the run's row.
 */
export const releaseRun = async (tx: Tx | Db, claim: Claim, afterSeconds: number | null): Promise<boolean> => {
  const parks = sql<boolean>`(${afterSeconds !== null}::boolean and not woken)`
  const row = await tx
    .updateTable('workflow_executions')
    .set({
      lease_owner: null,
      lease_until: null,
      state: sql`case when ${parks} then 'parked' else 'queued' end`,
      wake_at: sql`case when ${parks} then ${inSeconds(afterSeconds ?? 0)} end`,
      parked_at: sql`case when ${parks} then now() end`,
      // A worker that gives a run back in good order has not failed at it.
      claims: sql`greatest(claims - 1, 0)`,
      report_dirty: true,
      updated_at: sql`now()`,
    })
    .where('id', '=', claim.runId)
    .where('epoch', '=', claim.epoch)
    .where('lease_owner', '=', claim.owner)
    .returning('state')
    .executeTakeFirst()
  return row?.state === 'parked'
}

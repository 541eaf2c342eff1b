import { type Selectable, sql } from 'kysely'
import type { ApprovalState, Claim, OnTimeout } from '../domain/run.ts'
import { assertClaim } from './claimed.ts'
import type { Db, Tx } from './database.ts'
import { toJson } from './json.ts'
import { inSeconds, wakeRun } from './runs.ts'
import type { Tables } from './schema.ts'

/** A human's yes or no, bound to exactly what was shown. */
export type Approval = {
  runId: string
  address: string
  shownHash: string
  shown: unknown
  /** `role:write`, a login, `team:org/slug`. */
  approvers: string[]
  state: ApprovalState
  onTimeout: OnTimeout
  decidedBy: string | null
  comment: string | null
  /** How often it was asked: an edit of what was shown voids the answer. */
  asked: number
  requestedAt: Date
  expiresAt: Date | null
  decidedAt: Date | null
  /** Until it expires, by the database's clock; null where it never does. */
  secondsLeft: number | null
}

export const getApproval = async (db: Db, runId: string, address: string): Promise<Approval | null> => {
  const row = await approvals(db).where('run_id', '=', runId).where('address', '=', address).executeTakeFirst()
  return row ? approvalOf(row) : null
}

/** What waits for a person in a run, oldest first. */
export const waitingApprovals = async (db: Db, runId: string): Promise<Approval[]> => {
  const rows = await approvals(db)
    .where('run_id', '=', runId)
    .where('state', '=', 'waiting')
    .orderBy('requested_at')
    .orderBy('address')
    .execute()
  return rows.map(approvalOf)
}

/** All approvals of a run, for people; oldest first. */
export const approvalsOf = async (db: Db, runId: string): Promise<Approval[]> => {
  const rows = await approvals(db).where('run_id', '=', runId).orderBy('requested_at').orderBy('address').execute()
  return rows.map(approvalOf)
}

/** Asks, or asks again after an edit. Throws `stale_epoch`. */
export const askApproval = (
  db: Db,
  claim: Claim,
  ask: {
    address: string
    shownHash: string
    shown: unknown
    approvers: string[]
    onTimeout: OnTimeout
    timeoutSeconds: number
  },
): Promise<Approval> =>
  db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim)
    const values = {
      run_id: claim.runId,
      address: ask.address,
      shown_hash: ask.shownHash,
      shown: toJson(ask.shown ?? null),
      approvers: toJson(ask.approvers),
      state: 'waiting' as const,
      on_timeout: ask.onTimeout,
      decided_by: null,
      comment: null,
      requested_at: sql<Date>`now()`,
      expires_at: inSeconds(ask.timeoutSeconds),
      decided_at: null,
    }
    await tx
      .insertInto('approvals')
      .values(values)
      .onConflict((conflict) =>
        conflict.columns(['run_id', 'address']).doUpdateSet({ ...values, asked: sql`approvals.asked + 1` }),
      )
      .execute()
    return (await getApproval(tx, claim.runId, ask.address)) as Approval
  })

/**
 * Writes a person's answer down and wakes the run; the caller enqueues its job in the same transaction. false where nobody
 * is asked there any more, or where what is shown now is not what they saw (`shownHash`).
 */
export const decideApproval = async (
  tx: Tx,
  decision: {
    runId: string
    address: string
    shownHash?: string
    verdict: 'approved' | 'rejected'
    by: string
    comment: string | null
  },
): Promise<boolean> => {
  // The run's row first, as everywhere: a worker that parks it just now must see this, or be seen to have parked it.
  await wakeRun(tx, decision.runId)
  let query = tx
    .updateTable('approvals')
    .set({
      state: decision.verdict,
      decided_by: decision.by,
      comment: decision.comment,
      decided_at: sql`now()`,
    })
    .where('run_id', '=', decision.runId)
    .where('address', '=', decision.address)
    .where('state', '=', 'waiting')
    .where(sql<boolean>`(expires_at is null or expires_at > now())`)
  if (decision.shownHash !== undefined) query = query.where('shown_hash', '=', decision.shownHash)
  return (await query.returning('address').executeTakeFirst()) !== undefined
}

/** Ends an approval that waits, or whose answer is void, without a person's answer. Throws `stale_epoch`. */
export const closeApproval = (db: Db, claim: Claim, address: string, state: 'voided' | 'timed_out'): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim)
    await tx
      .updateTable('approvals')
      .set({ state, decided_at: sql`now()` })
      .where('run_id', '=', claim.runId)
      .where('address', '=', address)
      // Somebody's answer that came in time stands against a timer.
      .where('state', 'in', state === 'timed_out' ? ['waiting'] : ['waiting', 'approved', 'timed_out'])
      .execute()
  })

const approvals = (db: Db) =>
  db
    .selectFrom('approvals')
    .selectAll()
    .select(sql<number | null>`extract(epoch from expires_at - now())::float`.as('left'))

const approvalOf = (row: Selectable<Tables['approvals']> & { left: number | null }): Approval => ({
  runId: row.run_id,
  address: row.address,
  shownHash: row.shown_hash,
  shown: row.shown,
  approvers: row.approvers,
  state: row.state,
  onTimeout: row.on_timeout,
  decidedBy: row.decided_by,
  comment: row.comment,
  asked: row.asked,
  requestedAt: row.requested_at,
  expiresAt: row.expires_at,
  decidedAt: row.decided_at,
  secondsLeft: row.left === null ? null : Number(row.left),
})

import { sql } from 'kysely'
import type { EffectGuard } from '../domain/effect.ts'
import { liveStates, type Run } from '../domain/run.ts'
import type { Db, Tx } from './database.ts'
import { lost } from './effects.ts'
import { inSeconds, runOf } from './runs.ts'

/**
 * Reporting has a lease of its own beside the worker's, so that people hear of a run whose worker is gone, and so that
 * two processes never tell the same thing at once. Acknowledging is done under it too.
 */
export type ReportLease = { run: Run; epoch: number; acknowledged: boolean; sinceReportSeconds: number | null }

export const takeReportLease = async (
  db: Db,
  runId: string,
  leaseSeconds: number,
): Promise<ReportLease | 'busy' | 'gone'> => {
  const row = await db
    .updateTable('workflow_executions')
    .set({ report_epoch: sql`report_epoch + 1`, report_until: inSeconds(leaseSeconds), report_dirty: false })
    .where('id', '=', runId)
    .where(sql<boolean>`(report_until is null or report_until < now())`)
    .returningAll()
    .returning(sql<number | null>`extract(epoch from now() - reported_at)::float`.as('since'))
    .executeTakeFirst()
  if (row) {
    const since = row.since === null ? null : Number(row.since)
    return {
      run: runOf(row),
      epoch: row.report_epoch,
      acknowledged: row.acknowledged_at !== null,
      sinceReportSeconds: since,
    }
  }
  const known = await db.selectFrom('workflow_executions').select('id').where('id', '=', runId).executeTakeFirst()
  return known ? 'busy' : 'gone'
}

/** false when the lease is lost. */
export const renewReportLease = async (
  db: Db,
  runId: string,
  epoch: number,
  leaseSeconds: number,
): Promise<boolean> => {
  const row = await db
    .updateTable('workflow_executions')
    .set({ report_until: inSeconds(leaseSeconds) })
    .where('id', '=', runId)
    .where('report_epoch', '=', epoch)
    .where('report_until', 'is not', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * told     people have seen the present state
 * again    nothing was tried; the state stays to be told, where anybody has seen anything of the run
 * failed   the outside did not take it: to be tried again after a while that grows with the time for which it has failed,
 *          and not for longer than a day after the run's end. `forGood`: trying again has no sense; what a live run comes
 *          to next is told all the same.
 */
export type TellingEnd = 'told' | 'again' | { failed: { forGood: boolean; retryAfterMs: number } }

export const endReportLease = async (db: Db, runId: string, epoch: number, end: TellingEnd): Promise<void> => {
  const change =
    end === 'told'
      ? sql`reported_at = now(), report_after = null`
      : end === 'again'
        ? sql`report_dirty = (finished_at is null or ${wasShown})`
        : failing(end.failed)
  await sql`
    update workflow_executions set report_until = null, ${change}
    where id = ${runId} and report_epoch = ${epoch}`.execute(db)
}

const longestBackoffSeconds = 900

const failing = ({ forGood, retryAfterMs }: { forGood: boolean; retryAfterMs: number }) => sql`
  report_dirty = case when finished_at is null then true
    else ${!forGood}::boolean and finished_at > now() - interval '1 day' end,
  report_after = now() + make_interval(secs => greatest(${retryAfterMs / 1000}::float, 1, least(${longestBackoffSeconds}::float,
    extract(epoch from now() - coalesce(finished_at, case when acknowledged_at is null then created_at else updated_at end))::float / 4)))`

/** The key of the effect that puts the one comment of a run there. */
export const progressComment = 'comment.progress'

/** Whether people were shown anything of a run that ends: whoever was not let in, or never got an answer, has seen nothing. */
export const wasShown = sql<boolean>`(acknowledged_at is not null or exists (
  select 1 from effects where effects.run_id = workflow_executions.id and key = ${progressComment} and effects.state = 'confirmed'))`

/**
 * Whether another run of the same has the say about the ticket: one that was let in, and is under way or has ended after this
 * one. Which was started first says nothing, since either may have been tried again.
 */
export const hasSuccessor = async (db: Db, run: Run): Promise<boolean> => {
  const row = await db
    .selectFrom('workflow_executions as other')
    .select('other.id')
    .where('other.repository', '=', run.repository)
    .where('other.subject', '=', run.subject)
    .where('other.workflow', '=', run.workflow)
    .where('other.id', '!=', run.id)
    .where('other.acknowledged_at', 'is not', null)
    .where((is) =>
      is.or([
        is('other.state', 'in', [...liveStates]),
        sql<boolean>`other.finished_at > (select finished_at from workflow_executions where id = ${run.id})`,
      ]),
    )
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * The run's row, locked: who is to let it in or to end it has the lease still, and nobody has done either meanwhile. Throws
 * `stale_epoch`.
 */
export const holdUndecided = async (tx: Tx, guard: EffectGuard): Promise<void> => {
  const row = await tx
    .selectFrom('workflow_executions')
    .select('id')
    .where('id', '=', guard.runId)
    .where('report_epoch', '=', guard.epoch)
    .where('state', '=', 'queued')
    .where('acknowledged_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  if (!row) lost(guard)
}

export const setAcknowledged = async (tx: Tx, runId: string): Promise<void> => {
  await tx
    .updateTable('workflow_executions')
    .set({ acknowledged_at: sql`coalesce(acknowledged_at, now())`, updated_at: sql`now()` })
    .where('id', '=', runId)
    .execute()
}

/** Whether the run has been let in, and with what it was asked for. */
export const admissionOf = async (
  tx: Tx,
  runId: string,
): Promise<{ acknowledged: boolean; fields: Record<string, string> } | null> => {
  const row = await tx
    .selectFrom('workflow_executions')
    .select(['acknowledged_at', 'event'])
    .where('id', '=', runId)
    .executeTakeFirst()
  return row ? { acknowledged: row.acknowledged_at !== null, fields: row.event.fields ?? {} } : null
}

/** Whether people have been told all that there is to tell: the last state is written a moment after the end. */
export const isTold = async (db: Db, runId: string): Promise<boolean> => {
  const row = await db
    .selectFrom('workflow_executions')
    .select(['report_dirty', 'report_until', 'acknowledged_at', 'finished_at', 'reported_at'])
    .where('id', '=', runId)
    .executeTakeFirst()
  if (!row || row.acknowledged_at === null) return true
  return (
    !row.report_dirty &&
    row.report_until === null &&
    row.reported_at !== null &&
    row.finished_at !== null &&
    row.reported_at >= row.finished_at
  )
}

import { sql } from 'kysely'
import type { Run } from '../domain/run.ts'
import type { Db, Tx } from './database.ts'
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

/** `told`: people have seen the present state; otherwise it stays to be told. */
export const endReportLease = async (db: Db | Tx, runId: string, epoch: number, told: boolean): Promise<void> => {
  await db
    .updateTable('workflow_executions')
    .set({ report_until: null, ...(told ? { reported_at: sql`now()` } : { report_dirty: true }) })
    .where('id', '=', runId)
    .where('report_epoch', '=', epoch)
    .execute()
}

export const setAcknowledged = async (tx: Tx, runId: string): Promise<void> => {
  await tx
    .updateTable('workflow_executions')
    .set({ acknowledged_at: sql`coalesce(acknowledged_at, now())`, updated_at: sql`now()` })
    .where('id', '=', runId)
    .execute()
}

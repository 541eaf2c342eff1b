import { sql } from 'kysely'
import { liveStates } from '../domain/run.ts'
import type { Db } from './database.ts'

/** What the reaper looks for. Each is bounded; what is left over is found by its next round. */
const most = 200

/** Runs that nobody is at, though they could go on: a lapsed lease, a time that has come, a job that was lost. */
export const runsToAdvance = async (db: Db, graceSeconds: number): Promise<string[]> => {
  const rows = await db
    .selectFrom('workflow_executions')
    .select('id')
    .where('state', 'in', [...liveStates])
    .where('acknowledged_at', 'is not', null)
    .where(
      sql<boolean>`case state
        when 'running' then lease_until < now()
        when 'parked' then wake_at is null or wake_at <= now()
        else updated_at < now() - make_interval(secs => ${graceSeconds}::float) end`,
    )
    .limit(most)
    .execute()
  return rows.map((row) => row.id)
}

/** Runs that wait for their acknowledgement for longer than a job takes. */
export const runsToAcknowledge = async (db: Db, graceSeconds: number): Promise<string[]> => {
  const rows = await db
    .selectFrom('workflow_executions')
    .select('id')
    .where('state', '=', 'queued')
    .where('acknowledged_at', 'is', null)
    .where(sql<boolean>`updated_at < now() - make_interval(secs => ${graceSeconds}::float)`)
    .limit(most)
    .execute()
  return rows.map((row) => row.id)
}

/** Runs whose rows have changed since people were last told, and which nobody is telling now. */
export const runsToReport = async (db: Db, graceSeconds: number): Promise<string[]> => {
  const rows = await db
    .selectFrom('workflow_executions')
    .select('id')
    .where('report_dirty', '=', true)
    .where('acknowledged_at', 'is not', null)
    .where(sql<boolean>`(report_until is null or report_until < now())`)
    .where(sql<boolean>`updated_at < now() - make_interval(secs => ${graceSeconds}::float)`)
    .where(sql<boolean>`(reported_at is null or reported_at < now() - make_interval(secs => ${graceSeconds}::float))`)
    .limit(most)
    .execute()
  return rows.map((row) => row.id)
}

/** Of these, the runs that have ended: what is left of them on disk may go. */
export const endedRuns = async (db: Db, ids: string[]): Promise<string[]> => {
  if (ids.length === 0) return []
  const live = await db
    .selectFrom('workflow_executions')
    .select('id')
    .where('id', 'in', ids)
    .where('state', 'in', [...liveStates])
    .execute()
  const alive = new Set(live.map((row) => row.id))
  return ids.filter((id) => !alive.has(id))
}

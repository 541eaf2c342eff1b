import { sql } from 'kysely'
import { type Failure, failureOf, JourneymanError } from '../domain/errors.ts'
import { liveStates } from '../domain/run.ts'
import type { Db, Tx } from './database.ts'
import { toJson } from './json.ts'
import { wasShown } from './reporting.ts'

/** What the reaper looks for. Each is bounded; what is left over is found by its next round. */
const most = 200

/**
 * Runs that nobody is at, though they could go on: a lapsed lease, a time that has come, a run's own time that has run
 * out while it waits, a job that was lost. Marks them as queued anew, which also takes the run from a worker that only
 * seems dead: its next write finds that out. One that waits for a worker has its job in the queue, as a rule: the longer it
 * waits, the rarer it is given another, or a backlog would fill the queue with them.
 */
export const requeueLapsed = async (tx: Tx, lostJobSeconds: number): Promise<string[]> => {
  const { rows } = await sql<{ id: string }>`
    update workflow_executions set state = 'queued', lease_owner = null, lease_until = null, wake_at = null, updated_at = now()
    where id in (
      select id from workflow_executions
      where acknowledged_at is not null and (
        (state = 'running' and lease_until < now())
        or (state = 'parked' and (wake_at is null or wake_at <= now()))
        or (state = 'queued' and updated_at < now() - greatest(make_interval(secs => ${lostJobSeconds}::float),
          case when started_at is null then (now() - created_at) / 4 end)))
      order by created_at limit ${most} for update skip locked)
    returning id`.execute(tx)
  return rows.map((row) => row.id)
}

/** Runs whose acknowledgement was begun by a process that is gone, is to be tried again, or waits for longer than a job takes. */
export const runsToAcknowledge = async (tx: Tx, lostJobSeconds: number): Promise<string[]> => {
  const { rows } = await sql<{ id: string }>`
    update workflow_executions set updated_at = now(), report_until = null, report_after = null
    where id in (
      select id from workflow_executions
      where state = 'queued' and acknowledged_at is null
        and (report_until < now()
          or (report_until is null and report_after <= now())
          or (report_until is null and report_after is null and updated_at < now() - make_interval(secs => ${lostJobSeconds}::float)))
      order by created_at limit ${most} for update skip locked)
    returning id`.execute(tx)
  return rows.map((row) => row.id)
}

/** Runs that could not be acknowledged for so long that nobody waits for them any more: ended, with the reason. */
export const expireUnacknowledged = async (tx: Tx, afterSeconds: number): Promise<string[]> => {
  const failure: Failure = failureOf(
    new JourneymanError(
      'unavailable',
      'The run could not be acknowledged: the code host did not answer for too long.',
      {
        nextAction:
          'See whether the app can reach its code host and may read the repository, then put the label on again.',
      },
    ),
  )
  const { rows } = await sql<{ id: string }>`
    update workflow_executions set state = 'failed', failure = ${toJson(failure)}::jsonb, finished_at = now(), updated_at = now(),
      report_dirty = ${wasShown}, report_until = null, report_after = null
    where state = 'queued' and acknowledged_at is null
      and created_at < now() - make_interval(secs => ${afterSeconds}::float)
    returning id`.execute(tx)
  return rows.map((row) => row.id)
}

/**
 * Runs whose rows have changed since people were last told, or whose telling was cut short, and which nobody is telling now.
 * Marks them as given a job, which waits in the queue for as long as others do: without it, each round would give all of
 * them another, and each of those would tell the same again and let the others wait longer. What was cut short does not wait.
 */
export const runsToReport = async (db: Db, everySeconds: number, lostJobSeconds: number): Promise<string[]> => {
  const { rows } = await sql<{ id: string }>`
    update workflow_executions set report_dirty = true, report_until = null,
      report_after = now() + make_interval(secs => ${lostJobSeconds}::float)
    where id in (
      select id from workflow_executions
      where (report_dirty or report_until is not null)
        and (report_until is null or report_until < now())
        and (acknowledged_at is not null or state not in ('queued', 'running', 'parked'))
        and (reported_at is null or reported_at < now() - make_interval(secs => ${everySeconds}::float))
        and (report_after is null or report_after <= now() or report_until < now())
      order by reported_at nulls first limit ${most} for update skip locked)
    returning id`.execute(db)
  return rows.map((row) => row.id)
}

/**
 * Of these, the runs that have ended: what is left of them on disk may go. `mayBeRetried`: it failed or was stopped less than
 * so long ago.
 */
export const endedRuns = async (
  db: Db,
  ids: string[],
  keepHours: number,
): Promise<{ id: string; mayBeRetried: boolean }[]> => {
  if (ids.length === 0) return []
  const known = await db
    .selectFrom('workflow_executions')
    .select(['id', sql<boolean>`state in (${sql.join([...liveStates])})`.as('live'), retriable(keepHours).as('kept')])
    .where('id', 'in', ids)
    .execute()
  const facts = new Map(known.map((row) => [row.id, row]))
  return ids.filter((id) => !facts.get(id)?.live).map((id) => ({ id, mayBeRetried: facts.get(id)?.kept ?? false }))
}

/** Whether what a retry of the run needs is kept. */
export const retriable = (keepHours: number) =>
  sql<boolean>`(state in ('failed', 'stopped') and finished_at > now() - make_interval(secs => ${keepHours * 3600}::float))`

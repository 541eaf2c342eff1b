import { sql } from 'kysely'
import type { ErrorClass } from '../domain/error-class.ts'
import type { Failure } from '../domain/errors.ts'
import type { FailedAttempt, StepState } from '../domain/run.ts'
import type { Db } from './database.ts'

/** A row of the journal as people are shown it: without what the step gave, which may be large. */
export type StepLine = {
  address: string
  name: string
  kind: string
  state: StepState
  attempts: number
  retries: Partial<Record<ErrorClass, number>>
  failure: Failure | null
  reason: string | null
  activity: string | null
  cost: number
  startedAt: Date
  attemptAt: Date
  finishedAt: Date | null
  retryInSeconds: number | null
  failedAttempts: FailedAttempt[]
}

export const stepLines = async (db: Db, runId: string): Promise<StepLine[]> => {
  const costs = await costsBy(db, runId)
  const rows = await db
    .selectFrom('step_executions')
    .select(['address', 'name', 'kind', 'state', 'attempts', 'retries', 'failure', 'reason', 'activity'])
    .select(['started_at', 'attempt_at', 'finished_at', 'failed_attempts'])
    .select(sql<number | null>`extract(epoch from retry_at - now())::float`.as('wait'))
    .where('run_id', '=', runId)
    .orderBy('ordinal')
    .orderBy('address')
    .execute()
  return rows.map((row) => ({
    address: row.address,
    name: row.name,
    kind: row.kind,
    state: row.state,
    attempts: row.attempts,
    retries: row.retries,
    failure: row.failure,
    reason: row.reason,
    activity: row.activity,
    cost: costs.get(row.address) ?? 0,
    startedAt: row.started_at,
    attemptAt: row.attempt_at,
    finishedAt: row.finished_at,
    retryInSeconds: row.wait === null ? null : Math.max(0, Number(row.wait)),
    failedAttempts: row.failed_attempts,
  }))
}

const costsBy = async (db: Db, runId: string): Promise<Map<string, number>> => {
  const rows = await db
    .selectFrom('cost_tracking')
    .select(['address', sql<number>`sum(coalesce(cost, reserved))`.as('cost')])
    .where('run_id', '=', runId)
    .groupBy('address')
    .execute()
  return new Map(rows.map((row) => [row.address, Number(row.cost)]))
}

/** What a line about a run says beside its own row. */
export type RunState = { cost: number; waitingApprovals: number; activity: string | null }

/** For many runs in three statements; `activity` is of the step that was begun last. */
export const runStates = async (db: Db, ids: string[]): Promise<Map<string, RunState>> => {
  const found = new Map<string, RunState>(ids.map((id) => [id, { cost: 0, waitingApprovals: 0, activity: null }]))
  if (ids.length === 0) return found
  const costs = await db
    .selectFrom('cost_tracking')
    .select(['run_id', sql<number>`sum(coalesce(cost, reserved))`.as('cost')])
    .where('run_id', 'in', ids)
    .groupBy('run_id')
    .execute()
  const waiting = await db
    .selectFrom('approvals')
    .select(['run_id', sql<number>`count(*)`.as('count')])
    .where('run_id', 'in', ids)
    .where('state', '=', 'waiting')
    .groupBy('run_id')
    .execute()
  const steps = await db
    .selectFrom('step_executions')
    .select(['run_id', 'address', 'activity'])
    .where('run_id', 'in', ids)
    .where('state', '=', 'running')
    .orderBy('ordinal')
    .execute()
  for (const { run_id, cost } of costs) found.get(run_id)!.cost = Number(cost)
  for (const { run_id, count } of waiting) found.get(run_id)!.waitingApprovals = Number(count)
  for (const { run_id, address, activity } of steps) {
    found.get(run_id)!.activity = activity === null ? address : `${address}: ${activity}`
  }
  return found
}

/** The database's clock, by which all of the times above are told. */
export const databaseNow = async (db: Db): Promise<Date> => {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db)
  return rows[0]!.now
}

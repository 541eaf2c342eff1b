import { type Selectable, sql } from 'kysely'
import { type Failure, JourneymanError } from '../domain/errors.ts'
import type { Claim, StepRecord } from '../domain/run.ts'
import type { Db } from './database.ts'
import { toJson } from './json.ts'
import type { Tables } from './schema.ts'

type Row = Selectable<Tables['step_executions']>

/** Results over this many bytes are kept out of the row, so that reading a journal stays quick. */
const largeResultBytes = 32_768

export type StepRow = StepRecord & {
  /** Variables of the definition that were evaluated here for the first time: a replay must see the same values. */
  evaluated: Record<string, unknown> | null
  snapshot: string | null
  /** How long until it is to be tried again, by the database's clock; null when it is not to be. */
  retryInSeconds: number | null
}

export const loadSteps = async (db: Db, runId: string): Promise<StepRow[]> => {
  const rows = await db
    .selectFrom('step_executions as step')
    .leftJoin('step_results as big', (join) =>
      join.onRef('big.run_id', '=', 'step.run_id').onRef('big.address', '=', 'step.address'),
    )
    .leftJoin(
      (query) =>
        query
          .selectFrom('cost_tracking')
          .select(['run_id', 'address', sql<number>`sum(coalesce(cost, reserved))::bigint`.as('cost')])
          .where('run_id', '=', runId)
          .groupBy(['run_id', 'address'])
          .as('money'),
      (join) => join.onRef('money.run_id', '=', 'step.run_id').onRef('money.address', '=', 'step.address'),
    )
    .selectAll('step')
    .select([
      'big.data as big',
      'money.cost as cost',
      sql<number | null>`extract(epoch from step.retry_at - now())::float`.as('wait'),
    ])
    .where('step.run_id', '=', runId)
    .orderBy('step.ordinal')
    .execute()
  return rows.map((row) => stepOf(row, { big: row.big, wait: row.wait, cost: Number(row.cost ?? 0) }))
}

/** Whether anything of the run's own has been begun; reading what it is about is not. */
export const hasBegun = async (db: Db, runId: string): Promise<boolean> => {
  const row = await db
    .selectFrom('step_executions')
    .select('address')
    .where('run_id', '=', runId)
    .where('address', 'not like', '@%')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * One statement: checks the claim, locks it against another, and writes the row. `newAttempt` is false where a resumed
 * run goes on with the attempt that a killed worker left.
 */
export const beginStep = async (
  db: Db,
  claim: Claim,
  step: { address: string; name: string; kind: string; ordinal: number; newAttempt: boolean },
): Promise<number> => {
  const { rows } = await sql<{ attempts: number }>`
    with ${held(claim)}
    insert into step_executions (run_id, address, name, kind, ordinal, state, attempts, epoch)
    select id, ${step.address}, ${step.name}, ${step.kind}, ${step.ordinal}, 'running', 1, ${claim.epoch} from held
    on conflict (run_id, address) do update set
      state = 'running',
      attempts = step_executions.attempts + ${step.newAttempt ? 1 : 0},
      epoch = excluded.epoch, failure = null, retry_at = null, activity = null, finished_at = null
    returning attempts`.execute(db)
  return (rows[0] ?? lost(claim)).attempts
}

export type StepEnd =
  | { state: 'done'; result: unknown; snapshot: string | null }
  | { state: 'failed'; failure: Failure; retryInSeconds: number | null }
  | { state: 'skipped'; reason: string; name: string; kind: string; ordinal: number }

export const endStep = async (
  db: Db,
  claim: Claim,
  address: string,
  end: StepEnd,
  evaluated: Record<string, unknown> | null,
): Promise<void> => {
  const seen = evaluated === null ? null : toJson(evaluated)
  if (end.state === 'skipped') return skipStep(db, claim, address, end, seen)
  const result = end.state === 'done' ? toJson(end.result) : null
  if (result === null || Buffer.byteLength(result) <= largeResultBytes) {
    return writeEnd(db, claim, address, end, { result, seen })
  }
  await db.transaction().execute(async (tx) => {
    await writeEnd(tx, claim, address, end, { result: null, seen })
    await tx
      .insertInto('step_results')
      .values({ run_id: claim.runId, address, data: result })
      .onConflict((conflict) => conflict.columns(['run_id', 'address']).doUpdateSet({ data: result }))
      .execute()
  })
}

const writeEnd = async (
  db: Db,
  claim: Claim,
  address: string,
  end: Exclude<StepEnd, { state: 'skipped' }>,
  { result, seen }: { result: string | null; seen: string | null },
): Promise<void> => {
  const failed = end.state === 'failed' ? end : null
  const { rows } = await sql<{ address: string }>`
    with ${held(claim)}
    update step_executions set
      state = ${end.state},
      result = ${result}::jsonb,
      failure = ${failed && toJson(failed.failure)}::jsonb,
      snapshot = coalesce(${end.state === 'done' ? end.snapshot : null}, snapshot),
      retry_at = now() + make_interval(secs => ${failed?.retryInSeconds ?? null}::float),
      evaluated = coalesce(evaluated || ${seen}::jsonb, ${seen}::jsonb, evaluated),
      activity = null,
      finished_at = now()
    from held where step_executions.run_id = held.id and address = ${address}
    returning address`.execute(db)
  if (rows.length === 0) lost(claim)
}

/** What it is doing now, for people. Written by whoever holds the claim; silently nothing otherwise. */
export const setActivity = async (db: Db, claim: Claim, address: string, activity: string): Promise<void> => {
  await sql`
    with ${held(claim)}
    update step_executions set activity = ${activity.slice(0, 200)}
    from held where step_executions.run_id = held.id and address = ${address} and state = 'running'`.execute(db)
}

const skipStep = async (
  db: Db,
  claim: Claim,
  address: string,
  end: Extract<StepEnd, { state: 'skipped' }>,
  seen: string | null,
) => {
  const { rows } = await sql<{ address: string }>`
    with ${held(claim)}
    insert into step_executions (run_id, address, name, kind, ordinal, state, epoch, reason, evaluated, finished_at)
    select id, ${address}, ${end.name}, ${end.kind}, ${end.ordinal}, 'skipped', ${claim.epoch}, ${end.reason}, ${seen}::jsonb, now()
    from held
    on conflict (run_id, address) do update set
      state = 'skipped', reason = excluded.reason, epoch = excluded.epoch, finished_at = now()
    returning address`.execute(db)
  if (rows.length === 0) lost(claim)
}

/**
 * The run's row, locked, if and only if the claim still holds; and marked as changed where it is not yet. Most often it is,
 * and then nothing of it is written: it is a long row with many indexes. Whoever takes the mark away waits for the lock.
 */
const held = (claim: Claim) => sql`
  held as (
    select id, report_dirty from workflow_executions
    where id = ${claim.runId} and epoch = ${claim.epoch} and lease_owner = ${claim.owner} and state = 'running'
    for no key update),
  marked as (
    update workflow_executions as run set report_dirty = true, updated_at = now()
    from held where run.id = held.id and not held.report_dirty)`

const lost = (claim: Claim): never => {
  throw new JourneymanError('stale_epoch', `This worker has lost its claim on ${claim.runId}; another goes on with it.`)
}

const stepOf = (row: Row, { big, wait, cost }: { big: string | null; wait: number | null; cost: number }): StepRow => ({
  runId: row.run_id,
  address: row.address,
  name: row.name,
  kind: row.kind,
  ordinal: row.ordinal,
  state: row.state,
  attempts: row.attempts,
  result: big === null ? row.result : JSON.parse(big),
  failure: row.failure,
  reason: row.reason,
  activity: row.activity,
  cost,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
  evaluated: row.evaluated,
  snapshot: row.snapshot,
  retryInSeconds: wait === null ? null : Math.max(0, Number(wait)),
})

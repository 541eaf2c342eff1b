import { type Selectable, sql } from 'kysely'
import { type Failure, JourneymanError } from '../domain/errors.ts'
import type { Claim, Compensation, RetryCounts, StepRecord, StepState } from '../domain/run.ts'
import { assertClaim } from './claimed.ts'
import type { Db, Tx } from './database.ts'
import { fromJson, toJson } from './json.ts'
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
  /** What the step had decided before its end. */
  memo: Record<string, unknown> | null
  /** What a finished step had been given. */
  inputs: unknown
  retries: RetryCounts
  compensation: Compensation | null
  /** 1, 2, 3 … in the order in which the run's steps were done. */
  finishOrder: number | null
  /** Since the present attempt was begun, by the database's clock. */
  attemptSeconds: number
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
      sql<number>`extract(epoch from now() - step.attempt_at)::float`.as('age'),
    ])
    .where('step.run_id', '=', runId)
    .orderBy('step.ordinal')
    .execute()
  return rows.map((row) => stepOf(row, { big: row.big, wait: row.wait, age: row.age, cost: Number(row.cost ?? 0) }))
}

/** What a step has cost so far; what is reserved counts. */
export const costOfStep = async (db: Db, runId: string, address: string): Promise<number> => {
  const { rows } = await sql<{ cost: number | null }>`
    select sum(coalesce(cost, reserved))::bigint as cost from cost_tracking
    where run_id = ${runId} and address = ${address}`.execute(db)
  return Number(rows[0]?.cost ?? 0)
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

/** A row of the journal as it is to stand from now on; what it leaves out (memo, activity) stays. */
export type StepImage = {
  address: string
  name: string
  kind: string
  ordinal: number
  state: StepState
  attempts: number
  result: unknown
  failure: Failure | null
  reason: string | null
  /** Of one that is skipped; another step's is written by `rememberStep`. */
  memo: Record<string, unknown> | null
  inputs: unknown
  compensation: Compensation | null
  finishOrder: number | null
  retries: RetryCounts
  /** Seconds from now until it is to be tried again. */
  retryInSeconds: number | null
  /** What was evaluated since, to be added. */
  evaluated: Record<string, unknown> | null
  /** null leaves the one that there is. */
  snapshot: string | null
}

/**
 * Many rows in one statement, which checks the claim and locks it against another. The numbers in an image are the journal's,
 * who alone writes while the claim holds, so that a statement whose answer was lost may be made again. Throws `stale_epoch`.
 */
export const writeSteps = async (db: Db, claim: Claim, images: readonly StepImage[]): Promise<void> => {
  const large = images.flatMap((image) => {
    const data = image.result === null || image.result === undefined ? '' : toJson(image.result)
    return Buffer.byteLength(data) > largeResultBytes ? [{ run_id: claim.runId, address: image.address, data }] : []
  })
  if (large.length === 0) return writeImages(db, claim, images)
  const isLarge = new Set(large.map(({ address }) => address))
  const small = images.map((image) => (isLarge.has(image.address) ? { ...image, result: null } : image))
  await db.transaction().execute(async (tx) => {
    await writeImages(tx, claim, small)
    await tx
      .insertInto('step_results')
      .values(large)
      .onConflict((conflict) =>
        conflict.columns(['run_id', 'address']).doUpdateSet({ data: sql<string>`excluded.data` }),
      )
      .execute()
  })
}

const writeImages = async (db: Db, claim: Claim, images: readonly StepImage[]): Promise<void> => {
  const given = toJson(
    images.map(({ finishOrder, retryInSeconds, ...image }) => ({
      ...image,
      finish_order: finishOrder,
      retry_seconds: retryInSeconds,
    })),
  )
  const { rows } = await sql`
    with ${held(claim)}
    insert into step_executions (run_id, address, name, kind, ordinal, state, attempts, epoch, result, failure, reason, memo,
      inputs, compensation, finish_order, retries, retry_at, evaluated, snapshot, finished_at)
    select held.id, step.address, step.name, step.kind, step.ordinal, step.state, step.attempts, ${claim.epoch}, step.result,
      step.failure, step.reason, step.memo, step.inputs, step.compensation, step.finish_order, step.retries,
      now() + make_interval(secs => step.retry_seconds), step.evaluated, step.snapshot,
      case when step.state <> 'running' then now() end
    from held, jsonb_to_recordset(${given}::jsonb) as step (address text, name text, kind text, ordinal int, state text,
      attempts int, result jsonb, failure jsonb, reason text, memo jsonb, inputs jsonb, compensation jsonb, finish_order int,
      retries jsonb, retry_seconds float, evaluated jsonb, snapshot text)
    on conflict (run_id, address) do update set
      state = excluded.state, attempts = excluded.attempts, epoch = excluded.epoch, result = excluded.result,
      failure = excluded.failure, reason = excluded.reason, inputs = excluded.inputs, compensation = excluded.compensation,
      finish_order = excluded.finish_order, retries = excluded.retries, retry_at = excluded.retry_at, activity = null,
      memo = case when excluded.state = 'skipped' then excluded.memo else step_executions.memo end,
      attempt_at = case when excluded.attempts > step_executions.attempts then now() else step_executions.attempt_at end,
      evaluated = coalesce(step_executions.evaluated || excluded.evaluated, excluded.evaluated, step_executions.evaluated),
      snapshot = coalesce(excluded.snapshot, step_executions.snapshot), finished_at = excluded.finished_at
    returning address`.execute(db)
  if (rows.length === 0) lost(claim)
}

/** What a step has decided before its end, added to what it had. */
export const rememberStep = async (
  db: Db,
  claim: Claim,
  address: string,
  memo: Record<string, unknown>,
): Promise<void> => {
  const { rows } = await sql`
    with ${held(claim)}
    update step_executions set memo = coalesce(memo, '{}') || ${toJson(memo)}::jsonb
    from held where step_executions.run_id = held.id and address = ${address}
    returning address`.execute(db)
  if (rows.length === 0) lost(claim)
}

/** Steps get another try: those that failed are as ones that are due to be tried again, the others as never met. */
export const reopenSteps = (
  db: Db,
  claim: Claim,
  { tryAgain, forget }: { tryAgain: string[]; forget: string[] },
): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim)
    const among = (addresses: string[]) =>
      sql`run_id = ${claim.runId} and address in (select jsonb_array_elements_text(${toJson(addresses)}::jsonb))`
    await sql`delete from step_executions where ${among(forget)} and state = 'skipped'`.execute(tx)
    await sql`update step_executions set retry_at = now(), retries = '{}' where ${among(tryAgain)} and state = 'failed'`.execute(
      tx,
    )
  })

/** At the end of a run nothing is under way: what was, ended with it. */
export const endRunningSteps = async (tx: Tx, runId: string, failure: Failure): Promise<void> => {
  await sql`
    update step_executions set state = 'failed', failure = ${toJson(failure)}::jsonb, retry_at = null, activity = null,
      finished_at = now()
    where run_id = ${runId} and state = 'running'`.execute(tx)
}

/** What it is doing now, for people. Written by whoever holds the claim; silently nothing otherwise. */
export const setActivity = async (db: Db, claim: Claim, address: string, activity: string): Promise<void> => {
  await sql`
    with ${held(claim)}
    update step_executions set activity = ${activity.slice(0, 200)}
    from held where step_executions.run_id = held.id and address = ${address} and state = 'running'`.execute(db)
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

type Joined = { big: string | null; wait: number | null; age: number; cost: number }

const stepOf = (row: Row, { big, wait, age, cost }: Joined): StepRow => ({
  runId: row.run_id,
  address: row.address,
  name: row.name,
  kind: row.kind,
  ordinal: row.ordinal,
  state: row.state,
  attempts: row.attempts,
  result: big === null ? row.result : fromJson(big),
  failure: row.failure,
  reason: row.reason,
  activity: row.activity,
  cost,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
  evaluated: row.evaluated,
  snapshot: row.snapshot,
  retryInSeconds: wait === null ? null : Math.max(0, Number(wait)),
  memo: row.memo,
  inputs: row.inputs,
  retries: row.retries,
  compensation: row.compensation,
  finishOrder: row.finish_order,
  attemptSeconds: Number(age),
})

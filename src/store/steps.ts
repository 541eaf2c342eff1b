import { type Selectable, sql } from 'kysely'
import type { Claim, Compensation, FailedAttempt, RetryCounts, StepRecord } from '../domain/run.ts'
import { ask, assertClaim, held, staleEpoch, valuesOf } from './claimed.ts'
import type { Db } from './database.ts'
import { forgetSteps } from './forget-steps.ts'
import { fromJson, toJson } from './json.ts'
import type { Tables } from './schema.ts'

type Row = Selectable<Tables['step_executions']>

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
  /** The tries before the present one, the latest twenty. */
  failedAttempts: FailedAttempt[]
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

/** What a step has decided before its end, added to what it had. */
export const rememberStep = async (
  db: Db,
  claim: Claim,
  address: string,
  memo: Record<string, unknown>,
): Promise<void> => {
  const text = `with ${held()}
    update step_executions set memo = coalesce(memo, '{}') || $4::jsonb
    from held where step_executions.run_id = held.id and address = $5
    returning address`
  const { rows } = await ask(db, text, [...valuesOf(claim), toJson(memo), address])
  if (rows.length === 0) throw staleEpoch(claim)
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
    await forgetSteps(tx, claim.runId, forget)
    await sql`update step_executions set retry_at = now(), retries = '{}' where ${among(tryAgain)} and state = 'failed'`.execute(
      tx,
    )
  })

/** What it is doing now, for people. Written by whoever holds the claim; silently nothing otherwise. */
export const setActivity = async (db: Db, claim: Claim, address: string, activity: string): Promise<void> => {
  const text = `with ${held()}
    update step_executions set activity = $4
    from held where step_executions.run_id = held.id and address = $5 and state = 'running'`
  await ask(db, text, [...valuesOf(claim), activity.slice(0, 200), address])
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
  failedAttempts: row.failed_attempts,
})

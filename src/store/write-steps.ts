import { sql } from 'kysely'
import type { Failure } from '../domain/errors.ts'
import type { Claim, Compensation, RetryCounts, StepState } from '../domain/run.ts'
import { allHeld, ask, held, staleEpoch, valuesOf, valuesOfAll } from './claimed.ts'
import type { Db } from './database.ts'
import { toJson } from './json.ts'

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

export type ClaimedSteps = { claim: Claim; images: readonly StepImage[] }

/** Results over this many bytes are kept out of the row, so that reading a journal stays quick. */
const largeResultBytes = 32_768

/**
 * Many rows in one statement, which checks the claim and locks it against another. The numbers in an image are the journal's,
 * who alone writes while the claim holds, so that a statement whose answer was lost may be made again. Throws `stale_epoch`.
 */
export const writeSteps = async (db: Db, claim: Claim, images: readonly StepImage[]): Promise<void> => {
  const large = images.filter(isLarge)
  if (large.length === 0) return writeOne(db, { claim, images })
  const small = images.map((image) => (large.includes(image) ? { ...image, result: null } : image))
  await db.transaction().execute(async (tx) => {
    await writeOne(tx, { claim, images: small })
    await tx
      .insertInto('step_results')
      .values(large.map(({ address, result }) => ({ run_id: claim.runId, address, data: toJson(result) })))
      .onConflict((conflict) =>
        conflict.columns(['run_id', 'address']).doUpdateSet({ data: sql<string>`excluded.data` }),
      )
      .execute()
  })
}

/**
 * The same for several runs, in one statement as far as that goes: for each what came of it. A claim that is lost is nothing
 * to the others, nor is a row that the database refuses.
 */
export const writeStepsTogether = async (
  db: Db,
  written: readonly ClaimedSteps[],
): Promise<PromiseSettledResult<void>[]> => {
  const together = written.filter(({ images }) => !images.some(isLarge))
  const whole = together.length > 1 ? await writeAll(db, together).catch(() => null) : null
  return Promise.allSettled(
    written.map((one) => {
      if (whole === null || !together.includes(one)) return writeSteps(db, one.claim, one.images)
      return whole.has(one) ? undefined : Promise.reject(staleEpoch(one.claim))
    }),
  )
}

const isLarge = ({ result }: StepImage): boolean =>
  result !== null && result !== undefined && Buffer.byteLength(toJson(result)) > largeResultBytes

const writeOne = async (db: Db, { claim, images }: ClaimedSteps): Promise<void> => {
  const { rows } = await ask(db, insertOfOne, [...valuesOf(claim), toJson(images.map((image) => rowOf(claim, image)))])
  if (rows.length === 0) throw staleEpoch(claim)
}

/** Gives those whose claim holds. */
const writeAll = async (db: Db, written: readonly ClaimedSteps[]): Promise<ReadonlySet<ClaimedSteps>> => {
  const images = written.flatMap((one) => one.images.map((image) => rowOf(one.claim, image)))
  const values = [...valuesOfAll(written.map(({ claim }) => claim)), toJson(images)]
  const { rows } = await ask<{ run_id: string; epoch: number }>(db, insertOfAll, values)
  const found = new Set(rows.map((row) => `${row.run_id} ${row.epoch}`))
  return new Set(written.filter(({ claim }) => found.has(`${claim.runId} ${claim.epoch}`)))
}

const rowOf = ({ runId, epoch }: Claim, { finishOrder, retryInSeconds, ...image }: StepImage) => ({
  ...image,
  run_id: runId,
  run_epoch: epoch,
  finish_order: finishOrder,
  retry_seconds: retryInSeconds,
})

const insert = (claims: string): string => `
  with ${claims}
  insert into step_executions (run_id, address, name, kind, ordinal, state, attempts, epoch, result, failure, reason, memo,
    inputs, compensation, finish_order, retries, retry_at, evaluated, snapshot, finished_at)
  select held.id, step.address, step.name, step.kind, step.ordinal, step.state, step.attempts, held.epoch, step.result,
    step.failure, step.reason, step.memo, step.inputs, step.compensation, step.finish_order, step.retries,
    now() + make_interval(secs => step.retry_seconds), step.evaluated, step.snapshot,
    case when step.state <> 'running' then now() end
  from held join jsonb_to_recordset($4::jsonb) as step (run_id text, run_epoch bigint, address text, name text, kind text,
    ordinal int, state text, attempts int, result jsonb, failure jsonb, reason text, memo jsonb, inputs jsonb,
    compensation jsonb, finish_order int, retries jsonb, retry_seconds float, evaluated jsonb, snapshot text)
    on step.run_id = held.id and step.run_epoch = held.epoch
  on conflict (run_id, address) do update set
    state = excluded.state, attempts = excluded.attempts, epoch = excluded.epoch, result = excluded.result,
    failure = excluded.failure, reason = excluded.reason, inputs = excluded.inputs, compensation = excluded.compensation,
    finish_order = excluded.finish_order, retries = excluded.retries, retry_at = excluded.retry_at, activity = null,
    memo = case when excluded.state = 'skipped' then excluded.memo else step_executions.memo end,
    attempt_at = case when excluded.attempts > step_executions.attempts then now() else step_executions.attempt_at end,
    evaluated = coalesce(step_executions.evaluated || excluded.evaluated, excluded.evaluated, step_executions.evaluated),
    snapshot = coalesce(excluded.snapshot, step_executions.snapshot), finished_at = excluded.finished_at
  returning run_id, epoch`

const insertOfOne = insert(held)
const insertOfAll = insert(allHeld)

import { sql } from 'kysely'
import type { Claim } from '../domain/run.ts'
import { allHeld, ask, held, staleEpoch, valuesOf, valuesOfAll } from './claimed.ts'
import type { Db } from './database.ts'
import { toJson } from './json.ts'
import type { StepRow } from './steps.ts'

type Kept = 'runId' | 'activity' | 'cost' | 'startedAt' | 'finishedAt' | 'attemptSeconds' | 'failedAttempts'

/**
 * A row of the journal as it is to stand from now on, but for what the database knows itself. The `memo` is that of a step which
 * is skipped; another's is written by `rememberStep`. What was `evaluated` since is added; a `snapshot` of null leaves the one
 * that there is.
 */
export type StepImage = Omit<StepRow, Kept>

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
 * The same for several runs in one statement that waits for nobody. Gives those that are written; whose claim is lost, whose
 * row somebody has locked just now, who gives much, is not among them: alone (`writeSteps`) it comes out which of these it is.
 */
export const writeStepsAtOnce = async (
  db: Db,
  written: readonly ClaimedSteps[],
): Promise<ReadonlySet<ClaimedSteps>> => {
  const small = written.filter(({ images }) => !images.some(isLarge))
  const [only, ...others] = small
  if (!only) return new Set()
  return others.length === 0 ? writeOneAtOnce(db, only) : writeAllAtOnce(db, small)
}

const isLarge = ({ result }: StepImage): boolean =>
  result !== null && result !== undefined && Buffer.byteLength(toJson(result)) > largeResultBytes

const writeOne = async (db: Db, { claim, images }: ClaimedSteps): Promise<void> => {
  const { rows } = await ask(db, insertOfOne, [...valuesOf(claim), toJson(images.map((image) => rowOf(claim, image)))])
  if (rows.length === 0) throw staleEpoch(claim)
}

const writeOneAtOnce = async (db: Db, one: ClaimedSteps): Promise<ReadonlySet<ClaimedSteps>> => {
  const images = toJson(one.images.map((image) => rowOf(one.claim, image)))
  const { rows } = await ask(db, insertOfOneAtOnce, [...valuesOf(one.claim), images])
  return new Set(rows.length > 0 ? [one] : [])
}

const writeAllAtOnce = async (db: Db, written: readonly ClaimedSteps[]): Promise<ReadonlySet<ClaimedSteps>> => {
  const images = written.flatMap((one) => one.images.map((image) => rowOf(one.claim, image)))
  const values = [...valuesOfAll(written.map(({ claim }) => claim)), toJson(images)]
  const { rows } = await ask<{ run_id: string; epoch: number }>(db, insertOfAllAtOnce, values)
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

/** Of so many tries it is kept how they failed; what a message says beyond this is in the logs of the process. */
const mostAttemptsKept = 20
const mostOfMessage = 500

/** A new attempt begins over a row that had failed: how is kept beside it. Made again, the statement finds no new attempt. */
const failedAttempts = `
  case when excluded.attempts > step_executions.attempts and step_executions.failure is not null
    then case when jsonb_array_length(step_executions.failed_attempts) >= ${mostAttemptsKept}
        then step_executions.failed_attempts - 0 else step_executions.failed_attempts end
      || jsonb_build_array(jsonb_build_object('attempt', step_executions.attempts,
        'code', coalesce(step_executions.failure->>'code', 'internal'),
        'message', left(coalesce(step_executions.failure->>'message', ''), ${mostOfMessage}),
        'begunAt', step_executions.attempt_at, 'at', coalesce(step_executions.finished_at, now()),
        'finished', (select coalesce(max(finish_order), 0) from step_executions as any_step
          where any_step.run_id = step_executions.run_id)))
    else step_executions.failed_attempts end`

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
    failed_attempts = ${failedAttempts},
    evaluated = coalesce(step_executions.evaluated || excluded.evaluated, excluded.evaluated, step_executions.evaluated),
    snapshot = coalesce(excluded.snapshot, step_executions.snapshot), finished_at = excluded.finished_at
  returning run_id, epoch`

const insertOfOne = insert(held())
const insertOfOneAtOnce = insert(held('skip locked'))
const insertOfAllAtOnce = insert(allHeld('skip locked'))

import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import { type Failure, failureOf, JourneymanError } from '../domain/errors.ts'
import { liveStates, type RunState, type StepState } from '../domain/run.ts'
import type { Tx } from './database.ts'
import { forgetSteps } from './forget-steps.ts'
import { toJson } from './json.ts'

/** A row of the journal, as far as it decides what is to be done again. */
export type EndedStep = {
  address: string
  name: string
  kind: string
  state: StepState
  /** In the order in which they were begun. */
  ordinal: number
  /** In the order in which they were done; null for what was not. */
  finishOrder: number | null
  /** It was not begun because something around it had failed. */
  cancelled: boolean
  /** It came to no end of its own: the run ended, was stopped, or what is around the step ended first. */
  cut: boolean
}

export type EndedRun = {
  state: RunState
  failure: Failure | null
  definitionHash: string
  /** Nobody had been told that the work may begin. */
  acknowledged: boolean
  /** A live run that was started for the same. */
  rival: string | null
  steps: EndedStep[]
}

/** Locks the run until the transaction ends: nobody claims it, and of two who want it tried again one sees the other. */
export const lockEndedRun = async (tx: Tx, id: string): Promise<EndedRun> => {
  const run = await tx
    .selectFrom('workflow_executions')
    .select(['state', 'failure', 'definition_hash', 'acknowledged_at', 'intent_key'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow()
  const rival = await tx
    .selectFrom('workflow_executions')
    .select('id')
    .where('intent_key', '=', run.intent_key)
    .where('state', 'in', [...liveStates])
    .where('id', '!=', id)
    .executeTakeFirst()
  const steps = await tx
    .selectFrom('step_executions')
    .select(['address', 'name', 'kind', 'state', 'ordinal', 'finish_order', 'failure'])
    .select(sql<boolean>`coalesce(memo->>'cancelled', '') = 'true'`.as('cancelled'))
    .where('run_id', '=', id)
    .orderBy('ordinal')
    .execute()
  return {
    state: run.state,
    failure: run.failure,
    definitionHash: run.definition_hash,
    acknowledged: run.acknowledged_at !== null,
    rival: rival?.id ?? null,
    steps: steps.map(({ finish_order, failure, ...step }) => ({
      ...step,
      finishOrder: finish_order,
      cut: step.state === 'running' || isCut(failure, run.failure),
    })),
  }
}

/** No step ends with the first two by itself; with the third the run has ended, and what was under way has got its failure. */
const isCut = (failure: Failure | null, ofRun: Failure | null): boolean =>
  failure?.code === 'stopped' ||
  failure?.code === 'cancelled' ||
  (failure?.code === 'limit_reached' && isDeepStrictEqual(failure, ofRun))

export type RetryPlan = {
  /** Another attempt of the same step: what it had decided (a loop's items, the way of a condition) stands. */
  tryAgain: string[]
  /** As if the run had never come there: conditions are asked anew, a conversation begins anew. */
  forget: string[]
}

/**
 * Makes an ended run wait for a worker again: the same run, with its comment, its cap and what it has written outside. The
 * time that has passed since it was first begun is no part of what it may take. The caller has locked it, and enqueues its job.
 */
export const reopenRun = async (tx: Tx, id: string, plan: RetryPlan): Promise<void> => {
  await forgetSteps(tx, id, plan.forget)
  await tryStepsAgain(tx, id, plan.tryAgain)
  // It is put back at the end once more: the ticket's status may be another by then.
  await tx.deleteFrom('effects').where('run_id', '=', id).where('key', '=', 'status:@end').execute()
  await tx
    .updateTable('workflow_executions')
    .set({
      state: 'queued',
      failure: null,
      finished_at: null,
      claims: 0,
      stop_requested_by: null,
      lease_owner: null,
      lease_until: null,
      wake_at: null,
      woken: false,
      // Not `started_at`, which expressions see as `now`: the same run has the same.
      waited_seconds: sql`coalesce(extract(epoch from now() - started_at)::float, 0)`,
      parked_at: sql`case when started_at is not null then now() end`,
      report_dirty: true,
      report_after: null,
      updated_at: sql`now()`,
    })
    .where('id', '=', id)
    .execute()
}

/** Those of the runs that somebody has had tried again since that delivery came. */
export const triedAgainSince = async (tx: Tx, runIds: string[], delivery: string): Promise<Set<string>> => {
  if (runIds.length === 0) return new Set()
  const rows = await tx
    .selectFrom('audit_log')
    .innerJoin('deliveries', (join) => join.onTrue())
    .select('audit_log.run_id')
    .where('audit_log.run_id', 'in', runIds)
    .where('audit_log.action', '=', 'run.retried')
    .where('deliveries.id', '=', delivery)
    .where(sql<boolean>`audit_log.at > deliveries.received_at`)
    .execute()
  return new Set(rows.flatMap(({ run_id }) => (run_id === null ? [] : [run_id])))
}

const tryStepsAgain = async (tx: Tx, id: string, addresses: string[]): Promise<void> => {
  if (addresses.length === 0) return
  const failure = failureOf(new JourneymanError('cancelled', 'What is in it is to be done again.'))
  await tx.deleteFrom('step_results').where('run_id', '=', id).where('address', 'in', addresses).execute()
  await tx
    .updateTable('step_executions')
    .set({
      state: 'failed',
      failure: sql`coalesce(failure, ${toJson(failure)}::jsonb)`,
      result: null,
      finish_order: null,
      activity: null,
      retry_at: sql`now()`,
      retries: '{}',
    })
    .where('run_id', '=', id)
    .where('address', 'in', addresses)
    .execute()
}

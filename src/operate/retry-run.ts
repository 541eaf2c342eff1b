import { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import { isLive } from '../domain/run.ts'
import { appendAudit } from '../store/audit.ts'
import type { Tx } from '../store/database.ts'
import { getDefinition } from '../store/definitions.ts'
import { type EndedRun, lockEndedRun, type RetryPlan, reopenRun } from '../store/reopen-run.ts'
import { parsePinned } from '../workflow/language/load-workflows.ts'
import { type OperateParts, verb } from './contract.ts'
import { findRun } from './find-run.ts'
import { planRetry } from './plan-retry.ts'

/** `again`: addresses of the steps that get another attempt. `forgotten`: how many are as if the run had never come there. */
export type Retried = { run: string; again: string[]; forgotten: number }

/**
 * Lets a run that failed or was stopped go on where it ended, or from a step on: the same run, with its one comment, its one
 * cap and its one branch. What it has written outside stays, and is not written again.
 */
export const retryRun = verb({
  input: z.strictObject({ run: z.string(), from: z.string().min(1).max(4_000).optional() }),
  ask: (parts, input, by): Promise<Retried> => retryEnded(parts, input, by),
})

/** The same, with `alongside` in its transaction: what must be there if and only if the run goes on. */
export const retryEnded = async (
  { database, queue }: Pick<OperateParts, 'database' | 'queue'>,
  { run, from }: { run: string; from?: string | undefined },
  by: string,
  alongside: (tx: Tx) => Promise<void> = async () => undefined,
): Promise<Retried> => {
  const { id } = await findRun(database.db, run)
  return database.db.transaction().execute(async (tx) => {
    const ended = await lockEndedRun(tx, id)
    requireRetriable(id, ended)
    const plan = planRetry(ended.steps, {
      from: from ?? null,
      goneOnFrom: await stepsGoneOnFrom(tx, ended.definitionHash),
    })
    requireSomething(id, ended, plan, from)
    await reopenRun(tx, id, plan)
    await queue.enqueue(ended.acknowledged ? 'advance-run' : 'acknowledge', { runId: id }, { tx })
    if (ended.acknowledged) await queue.enqueue('report', { runId: id }, { tx })
    await alongside(tx)
    const detail = { from: from ?? null, again: plan.tryAgain.slice(0, 50), forgotten: plan.forget.length }
    await appendAudit(tx, { actor: by, action: 'run.retried', runId: id, detail })
    return { run: id, again: plan.tryAgain, forgotten: plan.forget.length }
  })
}

const requireRetriable = (id: string, { state, rival, steps }: EndedRun): void => {
  if (isLive(state))
    throw refused(`The run ${id} has not ended (${state}).`, `Wait for it, or say "journeyman stop ${id}".`)
  if (state !== 'failed' && state !== 'stopped') {
    throw refused(
      `The run ${id} is ${state}; only one that failed or was stopped can be tried again.`,
      'Start a new one.',
    )
  }
  if (rival !== null) {
    throw refused(`Another run (${rival}) is at work on the same.`, 'Wait for it to end, or stop it.')
  }
  if (steps.some(({ address }) => address.startsWith('@rollback/'))) {
    throw refused(
      `What the run ${id} had done was undone when it failed, so there is nothing that it could go on from.`,
      'Start a new one.',
    )
  }
}

/** All of it was done, and what it came to was not enough: the same would come of it again. */
const requireSomething = (id: string, ended: EndedRun, plan: RetryPlan, from: string | undefined): void => {
  if (from !== undefined || plan.tryAgain.length > 0 || ended.failure?.code !== 'condition_failed') return
  if (!ended.steps.some(({ address }) => !address.startsWith('@'))) return
  throw refused(
    `Every step of the run ${id} is done; what failed is a success criterion. ${ended.failure.message}`,
    `Say from which step on it should be done again: journeyman retry ${id} --from STEP.`,
  )
}

/** Of a definition that this version cannot read nothing is known; the run itself will say so. */
const stepsGoneOnFrom = async (tx: Tx, definitionHash: string): Promise<ReadonlySet<string>> => {
  const pinned = await getDefinition(tx, definitionHash)
  try {
    const { steps } = parsePinned(pinned.source, pinned.prompts)
    return new Set(steps.filter((step) => step.onError === 'continue').map((step) => step.name))
  } catch {
    return new Set()
  }
}

const refused = (sentence: string, nextAction: string): JourneymanError =>
  new JourneymanError('conflict', sentence, { nextAction })

import { codeOf, type ErrorCode, errorOf, failureOf, JourneymanError } from '../../domain/errors.ts'
import type { StepRow } from '../../store/steps.ts'
import { actions } from '../actions/actions.ts'
import type { Step } from '../language/definition.ts'
import { test } from '../language/expressions.ts'
import { withdrawQuestion } from './ask-person.ts'
import { attemptOnce } from './attempt.ts'
import type { Execution, InnerSteps } from './execution.ts'
import { isInterruption } from './interruption.ts'
import { pause } from './pause.ts'
import { restoreOfStep } from './restore-evaluated.ts'
import { rollBack } from './rollback.ts'
import { runKind, touchesOf } from './step-kinds.ts'

/**
 * The life of a step:
 *
 *   (no row) -> skipped     its condition does not hold, nothing is configured for it, or what is around has ended
 *   (no row) -> running     an attempt is begun
 *   running  -> running     its worker died, or it waits: the same attempt is gone on with
 *   running  -> done        its result is in the journal: from now on it is only read
 *   running  -> failed      and, with a time to try again, -> running once more
 *   failed   -> (settled)   `continue` goes on, `rollback` asks for the compensations, all else throws
 *
 * What is around it may end it at any time: then it ends as failed with that reason, and nothing is tried again.
 */
export const runStepWith = async (
  inner: InnerSteps,
  execution: Execution,
  step: Step,
  address: string,
): Promise<void> => {
  const { journal, variables, signal } = execution
  const row = journal.get(address)
  journal.meet(address)
  restoreOfStep(execution, address)
  if (row?.state === 'skipped') return
  if (row?.state === 'done') {
    await replayInner(inner, execution, step, address)
    return setOutputs(execution, step, row.result)
  }
  if (row?.state === 'failed' && row.retryInSeconds === null && row.failure) {
    const error = errorOf(row.failure)
    const { asksRollback } = await replayInner(inner, execution, step, address)
    if (asksRollback) execution.rollbacks.add(error)
    return settle(execution, step, address, error)
  }
  if (signal.aborted && !mayHaveSent(execution, step, row)) return cutShort(inner, execution, step, address)
  if (!row) {
    const reason = reasonToSkip(execution, step)
    if (reason !== null) return journal.skipped(address, named(step), { reason }, variables)
  }
  await attemptUntilEnd(inner, execution, step, address, row)
}

const heldSeconds = ({ parts }: Execution): number => parts.settings().heldWaitSeconds ?? 30

const attemptUntilEnd = async (
  inner: InnerSteps,
  execution: Execution,
  step: Step,
  address: string,
  before: StepRow | undefined,
): Promise<void> => {
  // A killed worker's attempt is gone on with; one that failed and is to be tried again is a new one.
  let goingOn = before?.state === 'running'
  // Another worker would begin the next try without what was set in this one, by steps that are tried again or come later.
  const takeBack = step.onError === 'retry' ? execution.variables.mark() : null
  try {
    await pause(execution.journal.retryInSeconds(address) ?? 0, heldSeconds(execution), execution.signal)
    // Ends: each pass is an attempt, and the journal counts those across workers.
    for (;;) {
      const ended = await attemptOnce(inner, execution, step, address, goingOn)
      goingOn = false
      if ('result' in ended) return setOutputs(execution, step, ended.result)
      // What is around it may have ended it: then it is gone on from by nobody, whatever its strategy is.
      if (execution.signal.aborted) throw execution.signal.reason
      if (ended.retryInSeconds === null) return await settle(execution, step, address, ended.failed)
      takeBack?.()
      // As another worker finds it that begins the next try.
      restoreOfStep(execution, address)
      await pause(ended.retryInSeconds, heldSeconds(execution), execution.signal)
    }
  } catch (error) {
    // Ended while it waited for its turn or its next try.
    if (execution.signal.aborted) return cutShort(inner, execution, step, address)
    throw error
  }
}

/** What is around the step has ended: so has the step with all that is inside, if it was begun. */
const cutShort = async (inner: InnerSteps, execution: Execution, step: Step, address: string): Promise<void> => {
  const { journal, signal } = execution
  const { reason } = signal
  const row = journal.get(address)
  if (row && isUnfinished(row) && !isInterruption(reason)) {
    await lookInside(inner, execution, step, address)
    await withdrawQuestion(execution, address)
    await journal.failed(address, failureOf(reason), null, execution.variables)
  }
  throw reason
}

/**
 * What a worker that died had sent may be there: it is looked for, so that it can be undone. Nothing is sent for that. After a
 * stop nothing is undone.
 */
const mayHaveSent = ({ signal }: Execution, step: Step, row: StepRow | undefined): boolean =>
  step.type === 'plugin' && row?.state === 'running' && !isInterruption(signal.reason) && !isStop(signal.reason)

const isStop = (reason: unknown): boolean => endsEverything.has(codeOf(reason))

const isUnfinished = (row: StepRow): boolean =>
  row.state === 'running' || (row.state === 'failed' && row.retryInSeconds !== null)

const reasonToSkip = (execution: Execution, step: Step): string | null => {
  if (step.condition !== null && !test(step.condition, execution.variables)) {
    return `Its condition does not hold: ${step.condition}`
  }
  // A category that is not configured is an error of the check, unless the step says `on_error: continue`.
  if (step.type !== 'plugin' || step.onError !== 'continue') return null
  return Object.hasOwn(actions, step.plugin) ? null : `Nothing is configured for ${step.plugin}.`
}

/**
 * A finished construct is run once more over the journal, which has everything: what its steps have set is set again. Its
 * signal is over already, so that nothing can begin. Whether what it failed with had asked for a rollback comes out too.
 */
const replayInner = (
  inner: InnerSteps,
  execution: Execution,
  step: Step,
  address: string,
): Promise<{ asksRollback: boolean }> => {
  const signal = AbortSignal.abort(new JourneymanError('cancelled', `"${step.name}" has ended.`))
  return lookInside(inner, { ...execution, signal }, step, address)
}

/** With a signal that is over: what is done inside is read again, what is under way hears of the end. */
const lookInside = async (
  inner: InnerSteps,
  execution: Execution,
  step: Step,
  address: string,
): Promise<{ asksRollback: boolean }> => {
  if (touchesOf(step) !== 'inner') return { asksRollback: false }
  const { signal } = execution
  const rollbacks = new WeakSet<JourneymanError>()
  try {
    await runKind(step, {
      execution: { ...execution, rollbacks },
      address,
      attempt: 0,
      signal,
      given: () => undefined,
      inner,
    })
  } catch (error) {
    if (isInterruption(error)) throw error
    return { asksRollback: error instanceof JourneymanError && rollbacks.has(error) }
  }
  return { asksRollback: false }
}

const settle = async (execution: Execution, step: Step, address: string, error: JourneymanError): Promise<void> => {
  if (step.onError === 'rollback') execution.rollbacks.add(error)
  if (step.onError !== 'continue' || endsEverything.has(error.code)) throw error
  if (execution.rollbacks.has(error)) await rollBack(execution, address)
}

const endsEverything: ReadonlySet<ErrorCode> = new Set(['stopped'])

const setOutputs = (execution: Execution, step: Step, result: unknown): void => {
  if (step.type === 'system' && step.action === 'set') {
    for (const [name, value] of Object.entries(result as Record<string, unknown>)) execution.variables.set(name, value)
  }
  for (const [field, variable] of Object.entries(step.outputs))
    execution.variables.set(variable, fieldOf(result, field))
}

/** A dotted field goes into what was given. */
const fieldOf = (result: unknown, field: string): unknown => {
  let found = result
  for (const key of field.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return null
    found = (found as Record<string, unknown>)[key]
  }
  return found ?? null
}

const named = (step: Step) => ({ name: step.name, kind: step.type })

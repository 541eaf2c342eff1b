import { within } from '../../domain/address.ts'
import { sleep } from '../../domain/clock.ts'
import { crashPoint } from '../../domain/crash-point.ts'
import { type ErrorCode, errorOf, failureOf, isRetryable, JourneymanError } from '../../domain/errors.ts'
import type { StepRow } from '../../store/steps.ts'
import { actions } from '../actions/actions.ts'
import type { Step } from '../language/definition.ts'
import { test } from '../language/expressions.ts'
import type { Execution } from './execution.ts'
import { isInterruption } from './interruption.ts'
import { ParkRequest } from './park-request.ts'
import { retryDelaySeconds } from './retry-delay.ts'
import { stepKinds } from './step-kinds.ts'

/**
 * Runs a list of steps in order. What the journal has as finished is not run again: its outputs are set, and that is all.
 * Throws what a step ends with when its strategy is to fail, and ParkRequest when the run should wait without a worker.
 */
export const runSteps = async (execution: Execution, steps: Step[], parent: string): Promise<void> => {
  for (const step of steps) await runStep(execution, step, within(parent, step.name))
}

const runStep = async (execution: Execution, step: Step, address: string): Promise<void> => {
  const { journal } = execution
  execution.signal.throwIfAborted()
  const row = journal.get(address)
  if (row?.evaluated) execution.variables.restore(row.evaluated)
  if (row?.state === 'skipped') return
  if (row?.state === 'done') return setOutputs(execution, step, row.result)
  if (row?.state === 'failed' && row.retryInSeconds === null && row.failure)
    return settle(execution, step, errorOf(row.failure))
  if (!row && step.condition !== null && !test(step.condition, execution.variables)) {
    return journal.skipped(address, named(step), `Its condition does not hold: ${step.condition}`)
  }
  const refusal = row ? null : skippedBecause(step)
  if (refusal !== null) return journal.skipped(address, named(step), refusal)
  await attemptUntilEnd(execution, step, address, row)
}

/** A category that is not configured is an error of the check, unless the step says `on_error: continue`. */
const skippedBecause = (step: Step): string | null => {
  if (step.type !== 'plugin' || step.onError !== 'continue') return null
  return Object.hasOwn(actions, step.plugin) ? null : `Nothing is configured for ${step.plugin}.`
}

/** Ends: each pass is an attempt, and the journal counts those across workers. */
const attemptUntilEnd = async (
  execution: Execution,
  step: Step,
  address: string,
  before: StepRow | undefined,
): Promise<void> => {
  // A killed worker's attempt is gone on with; one that failed and is to be tried again is a new one.
  let goingOn = before?.state === 'running'
  await pause(before?.retryInSeconds ?? 0, execution.signal)
  for (;;) {
    crashPoint('step.before')
    const attempt = await execution.journal.begin(address, named(step), !goingOn)
    goingOn = false
    const ended = await attemptOnce(execution, step, address, attempt)
    if ('result' in ended) return setOutputs(execution, step, ended.result)
    if (ended.retryInSeconds === null) return settle(execution, step, ended.failed)
    await execution.workspace.rewind()
    await pause(ended.retryInSeconds, execution.signal)
  }
}

type AttemptEnd = { result: unknown } | { failed: JourneymanError; retryInSeconds: number | null }

/** One attempt and its row. Throws what is no end of the step. */
const attemptOnce = async (execution: Execution, step: Step, address: string, attempt: number): Promise<AttemptEnd> => {
  const { journal, parts } = execution
  try {
    const { result, snapshot } = await runAttempt(execution, step, address, attempt)
    await journal.done(address, result, snapshot)
    crashPoint('step.after')
    return { result: journal.get(address)?.result }
  } catch (error) {
    if (isInterruption(error)) throw error
    const failed = error instanceof JourneymanError ? error : errorOf(failureOf(error))
    if (failed.code === 'internal') parts.log('error', 'a step met a defect', { run: execution.run.id, address, error })
    const again = step.onError === 'retry' && attempt <= step.retry.count && mayRetry(failed.code)
    const retryInSeconds = again ? retryDelaySeconds(step.retry, attempt, failed, Math.random) : null
    await journal.failed(address, failureOf(failed), retryInSeconds)
    return { failed, retryInSeconds }
  }
}

/** What a timer can hold; a longer timeout is longer than any run. */
const longestTimerMs = 2 ** 31 - 1

const runAttempt = async (execution: Execution, step: Step, address: string, attempt: number) => {
  const timeoutMs = step.timeoutSeconds === null ? null : Math.ceil(step.timeoutSeconds * 1000)
  const late = timeoutMs === null ? null : AbortSignal.timeout(Math.min(timeoutMs, longestTimerMs))
  const signal = late === null ? execution.signal : AbortSignal.any([execution.signal, late])
  try {
    const kind = stepKinds[step.type] as (typeof stepKinds)['system']
    const result = await kind.run(step as never, { execution, address, attempt, signal, runSteps })
    return {
      result,
      snapshot: kind.touchesWorkspace(step as never) ? await execution.workspace.snapshot(address) : null,
    }
  } catch (error) {
    if (isInterruption(error)) throw error
    // Whatever came of the abort, the reason for it is what people should read.
    if (execution.signal.aborted) throw execution.signal.reason
    if (late?.aborted) {
      throw new JourneymanError('timeout', `"${step.name}" did not end within its ${step.timeoutSeconds} seconds.`)
    }
    throw error
  }
}

/** Beside what may always be tried again: what an author who writes `on_error: retry` plainly means. */
const mayRetry = (code: ErrorCode): boolean =>
  isRetryable(code) || code === 'command_failed' || code === 'malformed_output'

/** A step that failed leaves nothing in the work tree, whether this worker goes on or another that never saw it fail. */
const settle = async (execution: Execution, step: Step, error: JourneymanError): Promise<void> => {
  if (step.onError !== 'continue' || error.code === 'stopped') throw error
  await execution.workspace.rewind()
}

/** Waits of more than this hold no worker. */
const longestWaitSeconds = 30

const pause = async (seconds: number, signal: AbortSignal): Promise<void> => {
  if (seconds > longestWaitSeconds) throw new ParkRequest(seconds)
  if (seconds > 0) await sleep(seconds * 1000, signal)
}

const setOutputs = (execution: Execution, step: Step, result: unknown): void => {
  if (step.type === 'system' && step.action === 'set') {
    for (const [name, value] of Object.entries(result as Record<string, unknown>)) execution.variables.set(name, value)
  }
  for (const [field, variable] of Object.entries(step.outputs)) {
    const value = typeof result === 'object' && result !== null ? (result as Record<string, unknown>)[field] : undefined
    execution.variables.set(variable, value ?? null)
  }
}

const named = (step: Step) => ({ name: step.name, kind: step.type })

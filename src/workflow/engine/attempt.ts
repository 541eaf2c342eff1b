import { crashPoint } from '../../domain/crash-point.ts'
import { classify } from '../../domain/error-class.ts'
import { errorOf, failureOf, JourneymanError } from '../../domain/errors.ts'
import type { Step } from '../language/definition.ts'
import { compensationFor } from './compensation.ts'
import type { Execution, InnerSteps } from './execution.ts'
import { boundedInputs } from './given-inputs.ts'
import { isInterruption } from './interruption.ts'
import { ParkRequest } from './park-request.ts'
import { recoveryOf } from './recovery.ts'
import { runKind, touchesOf } from './step-kinds.ts'
import { timeRanOut } from './time-ran-out.ts'

export type AttemptEnd = { result: unknown } | { failed: JourneymanError; retryInSeconds: number | null }

/**
 * One attempt and its row. Throws what is no end of the step. What touches the work tree waits for its turn first, and holds
 * it until its end is written: the run has one tree, and each end has the state of it.
 */
export const attemptOnce = async (
  inner: InnerSteps,
  execution: Execution,
  step: Step,
  address: string,
  goingOn: boolean,
): Promise<AttemptEnd> => {
  const touches = touchesOf(step)
  if (touches === 'nothing') return computeOnce(inner, execution, step, address)
  // What was sent before is looked for also after the end of what is around; whoever has the tree then gives it back soon.
  const signal = goingOn && step.type === 'plugin' ? never : execution.signal
  const turn = touches === 'work tree' ? await execution.workspace.turn(signal) : null
  try {
    crashPoint('step.before')
    const named = { name: step.name, kind: step.type }
    // Before the attempt is begun: whoever goes on with it could not tell whether this was done.
    const isAgain = !goingOn && execution.journal.get(address) !== undefined
    if (isAgain && touches === 'inner') {
      crashPoint('reopen.before')
      await execution.journal.reopen(insideOf(address))
      crashPoint('reopen.after')
    }
    const attempt = await execution.journal.begin(address, named, {
      newAttempt: !goingOn,
      acts: touches !== 'inner',
      variables: execution.variables,
    })
    return await attemptBegun(inner, execution, step, address, attempt)
  } finally {
    turn?.release()
  }
}

const never = new AbortController().signal

/** Everything below, whatever the branch or the iteration: `a/b`, `a[2]/b`, `a:then/b`. */
const insideOf = (address: string): string[] => ['/', '[', ':'].map((mark) => `${address}${mark}`)

const attemptBegun = async (
  inner: InnerSteps,
  execution: Execution,
  step: Step,
  address: string,
  attempt: number,
): Promise<AttemptEnd> => {
  const { journal, variables, workspace } = execution
  try {
    const { result, inputs } = await runTimed(inner, execution, step, address, attempt)
    const snapshot = touchesOf(step) === 'work tree' ? await workspace.snapshot(address) : null
    const compensation = compensationFor(step, result, execution)
    await journal.done(address, { result, snapshot, inputs: boundedInputs(inputs), compensation }, variables)
    crashPoint('step.after')
    return { result: journal.get(address)?.result }
  } catch (error) {
    return endFailed(execution, step, address, error)
  }
}

/** A step that only computes needs no row before its end: done again after a crash, it gives the same. */
const computeOnce = async (
  inner: InnerSteps,
  execution: Execution,
  step: Step,
  address: string,
): Promise<AttemptEnd> => {
  const { journal, variables, signal } = execution
  crashPoint('step.before')
  const named = { name: step.name, kind: step.type }
  try {
    let inputs: unknown = null
    const given = (value: unknown): void => {
      inputs = value
    }
    const result = await runKind(step, { execution, address, attempt: 1, signal, given, inner })
    await journal.record(address, named, { result, inputs: boundedInputs(inputs) }, variables)
    crashPoint('step.after')
    return { result: journal.get(address)?.result }
  } catch (error) {
    if (isInterruption(error)) throw error
    await journal.begin(address, named, { newAttempt: true, acts: false })
    return endFailed(execution, step, address, error)
  }
}

const endFailed = async (execution: Execution, step: Step, address: string, error: unknown): Promise<AttemptEnd> => {
  if (isInterruption(error)) throw error
  const { signal, journal, parts, workspace } = execution
  if (signal.aborted && isInterruption(signal.reason)) throw signal.reason
  // Whatever came of the abort, the reason for it is what people should read.
  const cause = signal.aborted ? signal.reason : error
  const failed = cause instanceof JourneymanError ? cause : errorOf(failureOf(cause))
  if (failed.code === 'internal') parts.log('error', 'a step met a defect', { run: execution.run.id, address, error })
  const row = journal.get(address)
  // A replay has its end from the journal: that one was the last.
  const isLast = signal.aborted || execution.replayed !== undefined || isWaitedOut(execution, step, failed)
  const retry = isLast ? null : recoveryOf(step, failureOf(failed), row?.retries ?? {}, parts.errorRules)
  await journal.failed(address, failureOf(failed), retry, execution.variables)
  if (retry !== null) crashPoint('retry.counted')
  // It leaves nothing in the tree, whatever its own strategy is: what is around it may go on, and so may another branch; and
  // another worker, who never saw it fail, finds nothing of it either.
  if (touchesOf(step) === 'work tree') await workspace.rewind()
  return { failed, retryInSeconds: retry?.afterSeconds ?? null }
}

/** The step inside has waited for as often as a service may ask; what holds it would have it do so ten times more. */
const isWaitedOut = ({ parts }: Execution, step: Step, failed: JourneymanError): boolean =>
  touchesOf(step) === 'inner' && classify(failureOf(failed), parts.errorRules) === 'rate_limited'

/** What a timer can hold; a longer timeout is longer than any run. */
const longestTimerMs = 2 ** 31 - 1

/** The step's timeout counts from the beginning of the attempt, in whatever process that was, and while it is parked too. */
const runTimed = async (
  inner: InnerSteps,
  execution: Execution,
  step: Step,
  address: string,
  attempt: number,
): Promise<{ result: unknown; inputs: unknown }> => {
  const leftMs = timeLeftMs(execution, step, address)
  const late = new AbortController()
  const tooLate = () =>
    late.abort(timeRanOut(address, 'timeout', `"${step.name}" did not end within its ${step.timeoutSeconds} seconds.`))
  if (leftMs !== null && leftMs <= 0) tooLate()
  const timer = leftMs === null || leftMs <= 0 ? undefined : setTimeout(tooLate, Math.min(leftMs, longestTimerMs))
  const signal = leftMs === null ? execution.signal : AbortSignal.any([execution.signal, late.signal])
  let inputs: unknown = null
  const given = (value: unknown): void => {
    inputs = value
  }
  try {
    const context = { execution: { ...execution, signal }, address, attempt, signal, given, inner }
    return { result: await runKind(step, context), inputs }
  } catch (error) {
    if (error instanceof ParkRequest && leftMs !== null) {
      throw new ParkRequest(Math.min(error.afterSeconds, Math.max(0, timeLeftMs(execution, step, address) ?? 0) / 1000))
    }
    if (isInterruption(error) || !late.signal.aborted || execution.signal.aborted) throw error
    throw late.signal.reason
  } finally {
    clearTimeout(timer)
  }
}

/** What waits for a person or an event looks after its own time: reaching it has a meaning there. */
const timeLeftMs = (execution: Execution, step: Step, address: string): number | null =>
  step.timeoutSeconds === null || touchesOf(step) === 'waiting'
    ? null
    : Math.ceil((step.timeoutSeconds - execution.journal.attemptSeconds(address)) * 1000)

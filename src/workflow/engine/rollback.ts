import { within } from '../../domain/address.ts'
import { sleep } from '../../domain/clock.ts'
import { crashPoint } from '../../domain/crash-point.ts'
import { failureOf } from '../../domain/errors.ts'
import type { Compensation } from '../../domain/run.ts'
import type { StepRow } from '../../store/steps.ts'
import { callAction } from './call-action.ts'
import type { Execution } from './execution.ts'
import { isInterruption } from './interruption.ts'
import { recoveryOf } from './recovery.ts'

/** A compensation is tried again where its service is ill for a moment; it does not wait for long. */
const policy = {
  onError: 'retry',
  retry: { count: 3, backoff: 'exponential', initialSeconds: 2, maxSeconds: 20, jitter: 'none' },
} as const
const longestWaitSeconds = 60

/**
 * Undoes what has been finished below that address (all of the run for an empty one), the newest first:
 *
 *   (no row) -> done     undone: a step of its own in the journal, at `@rollback/<address>`
 *   (no row) -> failed   it could not be undone: told, and the others go on
 *
 * What is done is not done again by whoever goes on after a crash.
 */
export const rollBack = async (execution: Execution, below: string): Promise<void> => {
  const finished = execution.journal
    .rows()
    .filter((row) => row.state === 'done' && row.compensation !== null && isBelow(row.address, below))
    .sort((a, b) => (b.finishOrder ?? 0) - (a.finishOrder ?? 0))
  await noteUndone(execution, below, finished.length)
  for (const row of finished) await compensate(execution, row, below === '')
}

/** Kept before the first is undone: what is around may be tried again, and then this is gone on from as it is. */
const noteUndone = async ({ journal }: Execution, below: string, count: number): Promise<void> => {
  if (below === '' || count === 0 || journal.get(below)?.memo?.['undone'] === true) return
  await journal.remember(below, { undone: true })
}

const isBelow = (address: string, parent: string): boolean =>
  !address.startsWith('@') && (parent === '' || ['/', '[', ':'].some((mark) => address.startsWith(`${parent}${mark}`)))

const compensate = async (execution: Execution, undone: StepRow, isLast: boolean): Promise<void> => {
  const call = undone.compensation as Compensation
  const { journal, parts } = execution
  const address = within('@rollback', undone.address)
  // Ends: each pass is an attempt, and the journal counts those that failed.
  for (;;) {
    const row = journal.get(address)
    if (row?.state === 'done' || (row?.state === 'failed' && row.retryInSeconds === null)) return
    // What is around has ended: it is gone on with by whoever undoes that, if anybody does.
    if (!isLast) execution.signal.throwIfAborted()
    const named = { name: undone.name, kind: 'rollback' }
    const attempt = await journal.begin(address, named, { newAttempt: row?.state !== 'running', acts: true })
    try {
      crashPoint('rollback.before')
      const result = await callAction({ ...call, execution, address, attempt })
      await journal.done(address, { result, inputs: call }, null)
      return crashPoint('rollback.after')
    } catch (error) {
      if (isInterruption(error) || (execution.signal.aborted && !isLast)) throw error
      const failure = failureOf(error)
      const again = recoveryOf(policy, failure, journal.get(address)?.retries ?? {}, parts.errorRules)
      const retry = again && again.afterSeconds <= longestWaitSeconds && !execution.signal.aborted ? again : null
      await journal.failed(address, failure, retry, null)
      parts.log('warn', 'a step could not be undone', { run: execution.run.id, address, failure })
      if (retry) await sleep(retry.afterSeconds * 1000, execution.signal).catch(() => undefined)
    }
  }
}

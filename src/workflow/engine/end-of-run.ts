import { type Failure, JourneymanError } from '../../domain/errors.ts'
import type { TaskStatus } from '../../domain/task.ts'
import { hasEffect } from '../../store/effects.ts'
import { setTaskStatus } from '../actions/set-task-status.ts'
import type { Execution } from './execution.ts'
import { rollBack } from './rollback.ts'
import { attemptAfter, runAfter } from './run-body.ts'
import { runSteps } from './run-steps.ts'

/** What is done after the end has this long; undoing may have to wait for a service. */
const afterMs = 120_000
const undoingMs = 600_000

/**
 * What follows the last step, and changes nothing of how the run ended: the compensations, if the failure asked for them; the
 * ticket's status as it was found; the definition's `post_execution`.
 */
export const endRun = async (ended: Execution, failure: Failure | null, asksRollback: boolean): Promise<void> => {
  if (asksRollback) await within(ended, undoingMs, (execution) => rollBack(execution, ''))
  await within({ ...ended, mayBeRetried: failure !== null }, afterMs, async (execution) => {
    if (failure !== null) await attemptAfter(execution, () => putStatusBack(execution))
    await runAfter(execution, '', failure, runSteps)
  })
}

/** The run's own signal may be what ended it. What follows has its own, short time. */
const within = async (ended: Execution, ms: number, work: (execution: Execution) => Promise<void>): Promise<void> => {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(tooLong()), ms)
  try {
    await work({ ...ended, signal: late.signal })
  } finally {
    clearTimeout(timer)
  }
}

const tooLong = () => new JourneymanError('timeout', 'What was to be done after the end of the run took too long.')

/** A failed or stopped run leaves the ticket in the status that it found. */
const putStatusBack = async (execution: Execution): Promise<void> => {
  const before: TaskStatus | undefined = execution.facts.task?.status
  if (before && (await hasEffect(execution.parts.database.db, execution.run.id, 'status')))
    await setTaskStatus(execution, 'status:@end', before)
}

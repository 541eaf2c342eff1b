import { type Failure, failureOf, JourneymanError } from '../../domain/errors.ts'
import type { TaskStatus } from '../../domain/task.ts'
import { hasEffect } from '../../store/effects.ts'
import { setTaskStatus } from '../actions/set-task-status.ts'
import type { Step } from '../language/definition.ts'
import { render, test } from '../language/expressions.ts'
import type { Execution } from './execution.ts'
import { isInterruption } from './interruption.ts'
import { runSteps } from './run-steps.ts'

/** Prerequisites, steps, success criteria. Throws what the run fails with. */
export const runDefinition = async (execution: Execution): Promise<void> => {
  const { definition, variables, journal } = execution
  // They are about the start: once a step has begun they have held, and what the run itself changes does not undo them.
  if (!journal.rows().some((row) => !row.address.startsWith('@'))) {
    for (const prerequisite of definition.prerequisites) {
      if (test(prerequisite.condition, variables)) continue
      throw new JourneymanError('condition_failed', String(render(prerequisite.errorMessage, variables)))
    }
  }
  await runSteps(execution, definition.steps, '')
  for (const criterion of definition.successCriteria) {
    if (test(criterion.condition, variables)) continue
    throw new JourneymanError('condition_failed', `Not met: ${criterion.description || criterion.condition}.`)
  }
}

/** Whatever happens here is told and changes nothing of how the run ended. */
export const runPostExecution = async (ended: Execution, failure: Failure | null): Promise<void> => {
  // The run's own signal may be what ended it. What follows has its own, short time.
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(tooLong()), postExecutionMs)
  const execution = { ...ended, signal: late.signal }
  try {
    await tidyUp(execution, failure)
  } finally {
    clearTimeout(timer)
  }
}

const postExecutionMs = 120_000

const tooLong = () => new JourneymanError('timeout', 'What was to be done after the end of the run took too long.')

const tidyUp = async (execution: Execution, failure: Failure | null): Promise<void> => {
  const { postExecution } = execution.definition
  if (failure !== null) await attempt(execution, () => putStatusBack(execution))
  const blocks: [string, Step[]][] =
    failure === null
      ? [
          ['@on_success', postExecution.onSuccess],
          ['@always', postExecution.always],
        ]
      : [
          ['@on_failure', postExecution.onFailure],
          ['@always', postExecution.always],
        ]
  for (const [address, steps] of blocks) await attempt(execution, () => runSteps(execution, steps, address))
}

/** A failed or stopped run leaves the ticket in the status that it found. */
const putStatusBack = async (execution: Execution): Promise<void> => {
  const before: TaskStatus | undefined = execution.facts.task?.status
  if (before && (await hasEffect(execution.parts.database.db, execution.run.id, 'status')))
    await setTaskStatus(execution, 'status:@end', before)
}

const attempt = async (execution: Execution, work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (isInterruption(error)) throw error
    execution.parts.log('warn', 'something after the end of a run has failed', {
      run: execution.run.id,
      failure: failureOf(error),
    })
  }
}

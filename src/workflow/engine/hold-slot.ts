import { crashPoint } from '../../domain/crash-point.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { requestStop } from '../../store/runs.ts'
import { cameLater, takeSlot } from '../../store/slots.ts'
import { render } from '../language/expressions.ts'
import type { Execution } from './execution.ts'
import { ParkRequest } from './park-request.ts'

/** The end of the run before wakes this one; it looks itself, too, in case nobody did. */
const lookAgainSeconds = 60

/**
 * The definition's `concurrency`: one run of a key at a time, within its repository.
 *
 *   one              a second run ends with `conflict`
 *   queue            it waits, parked, until the first has ended
 *   cancel_running   it asks the first to stop, and waits for the end of it; of two that wait, the one that came later has it
 *
 * The slot is the run's until its end is written, and is freed in that transaction.
 */
export const holdSlot = async (execution: Execution): Promise<void> => {
  const { run, claim, definition, variables, parts } = execution
  if (definition.concurrency === null) return
  const { policy } = definition.concurrency
  const key = `${run.repository}/${String(render(definition.concurrency.key, variables))}`
  const holder = await takeSlot(parts.database.db, claim, key)
  crashPoint('slot.taken')
  if (holder === run.id) return
  if (policy === 'one') {
    throw new JourneymanError('conflict', `Another run (${holder}) is at work on the same: ${key}.`, {
      nextAction: 'Wait for it to end, or stop it, and start this again.',
    })
  }
  if (policy === 'cancel_running') {
    await standBack(execution, holder)
    await parts.database.db.transaction().execute(async (tx) => {
      if (!(await requestStop(tx, holder, `run ${run.id}, which takes its place`))) return
      await parts.queue.enqueue('advance-run', { runId: holder }, { tx })
    })
  }
  throw new ParkRequest(lookAgainSeconds)
}

/** The last that came is what is wanted: one before it, which only now has its turn, does not stop that again. */
const standBack = async ({ run, parts }: Execution, holder: string): Promise<void> => {
  if (!(await cameLater(parts.database.db, holder, run.id))) return
  throw new JourneymanError('conflict', `A later run (${holder}) has taken its place.`)
}

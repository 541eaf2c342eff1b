import { crashPoint } from '../../domain/crash-point.ts'
import { JourneymanError } from '../../domain/errors.ts'
import type { Db } from '../../store/database.ts'
import { getDefinition } from '../../store/definitions.ts'
import { laterRunsFor } from '../../store/later-runs.ts'
import { requestStop } from '../../store/runs.ts'
import { cameLater, takeSlot } from '../../store/slots.ts'
import { render } from '../language/expressions.ts'
import { parsePinned } from '../language/load-workflows.ts'
import type { Execution } from './execution.ts'
import { isInterruption } from './interruption.ts'
import { ParkRequest } from './park-request.ts'
import { hasEndedUnbegun } from './run-body.ts'

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
  if (hasEndedUnbegun(execution)) return
  const { policy } = definition.concurrency
  const key = `${run.repository}/${String(render(definition.concurrency.key, variables))}`
  const holder = await takeSlot(parts.database.db, claim, key)
  crashPoint('slot.taken')
  if (holder === run.id) return policy === 'cancel_running' ? yieldToLater(execution, key) : undefined
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

/** Of two that waited, the one that came first was woken first: it leaves the slot to the other before it begins anything. */
const yieldToLater = async ({ journal, claim, parts }: Execution, key: string): Promise<void> => {
  if (journal.rows().some((row) => !row.address.startsWith('@'))) return
  for (const { id, definition } of await laterRunsFor(parts.database.db, claim, key)) {
    if (await wouldCancel(parts.database.db, definition)) throw takenBy(id)
  }
}

/** A definition that this version cannot read says so itself, when it comes to its run. */
const wouldCancel = async (db: Db, hash: string): Promise<boolean> => {
  try {
    const { source, prompts } = await getDefinition(db, hash)
    return parsePinned(source, prompts).concurrency?.policy === 'cancel_running'
  } catch (error) {
    if (isInterruption(error)) throw error
    return false
  }
}

const takenBy = (run: string): JourneymanError =>
  new JourneymanError('conflict', `A later run (${run}) has taken its place.`)

/** The last that came is what is wanted: one before it, which only now has its turn, does not stop that again. */
const standBack = async ({ run, parts }: Execution, holder: string): Promise<void> => {
  if (!(await cameLater(parts.database.db, holder, run.id))) return
  throw takenBy(holder)
}

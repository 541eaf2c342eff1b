import { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import { appendAudit } from '../store/audit.ts'
import { requestStop } from '../store/runs.ts'
import { verb } from './contract.ts'
import { findRun } from './find-run.ts'

/** Asks a run to end. A worker that holds it hears of it within a lease; one that is parked is claimed to be ended. */
export const stopRun = verb({
  input: z.strictObject({ run: z.string() }),
  ask: async ({ database, queue }, input, by): Promise<{ run: string }> => {
    const { id, state } = await findRun(database.db, input.run)
    await database.db.transaction().execute(async (tx) => {
      if (!(await requestStop(tx, id, by))) {
        throw new JourneymanError('conflict', `The run ${id} has ended already (${state}).`)
      }
      await queue.enqueue('advance-run', { runId: id }, { tx })
      // The audit's lock comes after every row's, as everywhere.
      await appendAudit(tx, { actor: by, action: 'run.stop_requested', runId: id, detail: {} })
    })
    return { run: id }
  },
})

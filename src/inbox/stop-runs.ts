import { appendAudit } from '../store/audit.ts'
import { noteObeyed } from '../store/obeyed-commands.ts'
import { liveRunsOf, requestStop } from '../store/runs.ts'
import type { Given, ObeyParts } from './given-command.ts'

/** `/ai stop`: ends what is under way here. */
export const stopRuns = async ({ database, queue }: ObeyParts, { id, event, delivery, place, subject }: Given) => {
  const runs = await liveRunsOf(database.db, place.repository, subject)
  await database.db.transaction().execute(async (tx) => {
    const stopped: string[] = []
    for (const run of runs) if (await requestStop(tx, run.id, event.actor.login)) stopped.push(run.id)
    const jobs = stopped.map((runId) => ({ runId }))
    if (jobs.length > 0) await queue.enqueueAll('advance-run', jobs, { tx })
    await noteObeyed(tx, id, stopped)
    // The audit's lock comes after every row's, as everywhere: a run that ends just now holds its row and waits for it.
    for (const runId of stopped) {
      const actor = `${event.provider}:${event.actor.login}`
      await appendAudit(tx, { actor, action: 'run.stop_requested', runId, delivery, detail: {} })
    }
  })
}

import { appendAudit } from '../store/audit.ts'
import { markLateComers } from '../store/joined-events.ts'
import { triedAgainSince } from '../store/reopen-run.ts'
import { liveRunsOf, requestStop } from '../store/runs.ts'
import { type Given, type ObeyParts, takeOnce } from './given-command.ts'
import { wasAskedFor, whenSaid } from './when-said.ts'

/**
 * `/ai stop`: ends what is under way here, and was when it was said: obeyed late, it means nothing that has begun since,
 * or was tried again. Who has asked for the same since, and joined what is stopped, comes after it.
 */
export const stopRuns = async (parts: ObeyParts, given: Given): Promise<void> => {
  const { event, delivery, place, subject } = given
  const when = await whenSaid(parts, given)
  const live = await liveRunsOf(parts.database.db, place.repository, subject)
  const runs = live.filter((run) => wasAskedFor(run, when))
  await takeOnce(parts, given, async (tx) => {
    const stopped: string[] = []
    const again = await triedAgainSince(
      tx,
      runs.map((run) => run.id),
      delivery,
    )
    for (const { id } of runs) if (!again.has(id) && (await requestStop(tx, id, event.actor.login))) stopped.push(id)
    await markLateComers(tx, stopped, delivery, when.isMissed ? when.said : null)
    const jobs = stopped.map((runId) => ({ runId }))
    if (jobs.length > 0) await parts.queue.enqueueAll('advance-run', jobs, { tx })
    // The audit's lock comes after every row's, as everywhere: a run that ends just now holds its row and waits for it.
    for (const runId of stopped) {
      const actor = `${event.provider}:${event.actor.login}`
      await appendAudit(tx, { actor, action: 'run.stop_requested', runId, delivery, detail: {} })
    }
  })
}

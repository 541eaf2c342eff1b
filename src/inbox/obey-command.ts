import type { Event } from '../domain/event.ts'
import type { VersionControl } from '../plugins/version-control/contract.ts'
import type { Queue } from '../queue/contract.ts'
import { appendAudit } from '../store/audit.ts'
import type { Database } from '../store/database.ts'
import { liveRunsOf, requestStop } from '../store/runs.ts'

/**
 * What is said to runs that exist: `/ai stop`. The permission is looked up live; whoever has none is not answered, since
 * an answer to everybody is a way to have us write without end.
 */
export const createObeyCommand =
  (parts: {
    database: Database
    queue: Queue
    versionControl: VersionControl
    log: (level: 'info' | 'warn', message: string, data?: Record<string, unknown>) => void
  }) =>
  async (event: Event): Promise<void> => {
    if (event.repository === null || event.subject === null || event.fields['command'] !== 'stop') return
    const { repository, installation, actor } = event
    const permission = await parts.versionControl.getPermission({ repository, installation }, actor)
    if (permission !== 'write' && permission !== 'maintain' && permission !== 'admin') {
      return parts.log('info', 'a command by someone who may not was left alone', { actor: actor.login, permission })
    }
    const runs = await liveRunsOf(parts.database.db, repository, `${event.subject.kind}/${event.subject.key}`)
    await parts.database.db.transaction().execute(async (tx) => {
      const stopped: string[] = []
      for (const run of runs) if (await requestStop(tx, run.id, actor.login)) stopped.push(run.id)
      const jobs = stopped.map((runId) => ({ runId }))
      if (jobs.length > 0) await parts.queue.enqueueAll('advance-run', jobs, { tx })
      // The audit's lock comes after every row's, as everywhere: a run that ends just now holds its row and waits for it.
      for (const runId of stopped) {
        const entry = { actor: `github:${actor.login}`, action: 'run.stop_requested', runId, detail: {} }
        await appendAudit(tx, entry)
      }
    })
  }

import { type Cron, lastDue, parseCron } from '../domain/cron.ts'
import type { Event } from '../domain/event.ts'
import { newId } from '../domain/ids.ts'
import { intentKey } from '../domain/intent-key.ts'
import { subjectText } from '../domain/subject.ts'
import type { Queue } from '../queue/contract.ts'
import { appendAudit } from '../store/audit.ts'
import type { Database, Tx } from '../store/database.ts'
import { findProject } from '../store/projects.ts'
import { insertRuns, type NewRun } from '../store/runs.ts'
import { moveSchedule, startSchedule } from '../store/schedules.ts'
import type { LoadedWorkflow, Trigger } from '../workflow/language/definition.ts'
import { eventsWaitedFor } from '../workflow/language/events-waited-for.ts'
import type { PlanParts } from './plan-delivery.ts'

export type ScheduleParts = PlanParts & {
  database: Database
  queue: Pick<Queue, 'enqueueAll'>
  /** Where schedules fire that name no repository. */
  repositories: () => readonly string[]
  repositoryUrl: (repository: string) => string
  log: (level: 'info' | 'warn', message: string, data?: Record<string, unknown>) => void
}

/**
 * One round over the schedules of all workflows. A schedule counts from the round that first sees it. From then on its mark
 * holds the last minute that it fired for, and moves in the transaction that makes the runs and their jobs: however many
 * fire, and however often, a minute starts one run per repository. What was missed while no process was there is made up
 * for once, and not at all after a day. The time is the database's; one that goes back fires nothing a second time.
 */
export const createFireSchedules = (parts: ScheduleParts) => {
  const warned = new Set<string>()
  return async (): Promise<void> => {
    for (const workflow of parts.workflows()) {
      for (const trigger of workflow.definition.on) {
        if (trigger.schedule === null) continue
        const places = await placesOf(parts, trigger)
        if (places.length === 0) warnOnce(parts, warned, workflow, trigger.schedule)
        const { schedule } = trigger
        await fire(parts, { workflow, schedule, cron: parseCron(schedule), mark: markOf(workflow, trigger), places })
      }
    }
  }
}

const dayMs = 86_400_000

type Place = Pick<Event, 'repositoryUrl' | 'installation'> & { repository: string }
type Scheduled = { workflow: LoadedWorkflow; schedule: string; cron: Cron; mark: string; places: Place[] }

/** Each repository that is named has a mark of its own: another with the same times moves only its own. */
const markOf = ({ definition }: LoadedWorkflow, { schedule, repository }: Trigger): string =>
  [definition.name, schedule, ...(repository === undefined ? [] : [repository])].join(' ')

const fire = async (parts: ScheduleParts, scheduled: Scheduled): Promise<void> => {
  const { workflow, schedule, cron, mark, places } = scheduled
  const { until, now } = await startSchedule(parts.database.db, mark)
  if (dueSince(cron, until, now) === null) return
  await parts.database.db.transaction().execute(async (tx) => {
    const minute = await moveSchedule(tx, mark, (last, time) => dueSince(cron, last, time))
    if (minute === null) return
    await start(
      parts,
      tx,
      scheduled,
      places.map((place) => eventOf(place, schedule, minute)),
    )
    parts.log('info', 'a schedule is due', {
      workflow: workflow.definition.name,
      schedule,
      minute,
      runs: places.length,
    })
  })
}

const dueSince = (cron: Cron, until: Date, now: Date): Date | null =>
  lastDue(cron, new Date(Math.max(until.getTime(), now.getTime() - dayMs)), now)

const start = async (parts: ScheduleParts, tx: Tx, { workflow }: Scheduled, events: Event[]): Promise<void> => {
  const runs = events.map((event) => runOf(parts, workflow, event))
  const standing = await insertRuns(tx, runs)
  // Another schedule of the same workflow may be due in the same minute: that is one run.
  const begun = runs.filter((run) => standing.get(run.intentKey)?.id === run.id)
  await parts.queue.enqueueAll(
    'acknowledge',
    begun.map((run) => ({ runId: run.id })),
    { tx },
  )
  for (const { id, event } of begun) {
    const { schedule, due } = event.fields
    await appendAudit(tx, { actor: 'journeyman', action: 'run.due', runId: id, detail: { schedule, due } })
  }
}

const runOf = (parts: ScheduleParts, workflow: LoadedWorkflow, event: Event): NewRun => {
  const id = newId('run')
  return {
    id,
    workflow: workflow.definition.name,
    definitionHash: workflow.hash,
    intentKey: intentKey(event, workflow.definition.name),
    repository: event.repository ?? '',
    subject: subjectText(event.subject, id),
    event,
    waitsFor: eventsWaitedFor(workflow.definition, workflow.prompts),
    ...parts.caps(workflow),
  }
}

const eventOf = (place: Place, schedule: string, minute: Date): Event => ({
  name: 'schedule.due',
  provider: 'schedule',
  ...place,
  actor: { login: 'journeyman', id: 'journeyman', isBot: false },
  subject: null,
  revision: minute.toISOString(),
  fields: { schedule, due: minute.toISOString() },
})

/** The trigger's own repository, else those of the configuration, else the only one that runs were ever about. */
const placesOf = async (parts: ScheduleParts, trigger: Trigger): Promise<Place[]> => {
  const named = trigger.repository === undefined ? parts.repositories() : [trigger.repository]
  const wanted = named.length === 0 ? [undefined] : named
  const places = await Promise.all(wanted.map((repository) => placeOf(parts, repository)))
  return places.filter((place) => place !== null)
}

const placeOf = async (parts: ScheduleParts, repository: string | undefined): Promise<Place | null> => {
  const known = await findProject(parts.database.db, repository)
  if (known) return known
  if (repository === undefined) return null
  return { repository, repositoryUrl: parts.repositoryUrl(repository), installation: null }
}

const warnOnce = (parts: ScheduleParts, warned: Set<string>, workflow: LoadedWorkflow, schedule: string): void => {
  const key = `${workflow.hash} ${schedule}`
  if (warned.has(key)) return
  warned.add(key)
  parts.log('warn', 'a schedule has no repository to start in', {
    workflow: workflow.definition.name,
    schedule,
    help: 'Say `repository: owner/name` beside it, or set schedules.repositories.',
  })
}

import { createHash } from 'node:crypto'
import type { Event, EventName } from './event.ts'

/**
 * What a run is for, as one key that is unique among live runs. Two kinds of events make two kinds of intent:
 *
 * - Somebody wants work done on a subject: a label, an assignment, a transition, a command. However often and from
 *   wherever it is asked, it is one piece of work until that run has ended. The key is workflow and subject; who told us
 *   (a label's delivery, a chat command) is left out, or one ticket would get two runs. So is the revision: between two
 *   labellings of one issue lies the end of a run, or they mean the same run.
 * - Something happened that nobody will say again: a review, a failed check, a due schedule. A second one while the first
 *   is worked on is not the same, and to join it would be to lose it. There the revision is part of the key, and keeping
 *   such runs of one subject apart in time is left to the workflow's `concurrency`.
 *
 * Repositories are told apart by their host too, and compared without case, as the code hosts do.
 */
export const intentKey = (event: Event, workflow: string): string => {
  const subject = event.subject
  const place = subject?.kind === 'task' ? '' : `${hostOf(event.repositoryUrl)}/${event.repository ?? ''}`.toLowerCase()
  const parts = [workflow, place, subject?.kind ?? '', subject?.key ?? '']
  // Without a subject there is nothing but the occasion to tell two apart.
  if (subject === null || occasions.has(event.name)) parts.push(event.name, event.revision)
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

const occasions: ReadonlySet<EventName> = new Set([
  'change.commented',
  'change.reviewed',
  'change.merged',
  'change.closed',
  'checks.failed',
  'checks.completed',
  'schedule.due',
])

const hostOf = (url: string | null): string => (url !== null && URL.canParse(url) ? new URL(url).host : '')

import type { Event } from './event.ts'
import type { Run } from './run.ts'

/**
 * What a run is about, as its row has it: `issue/12`, `change/7`, `task/PROJ-7`; `request/<run>` for one that was asked for
 * and is about none of them, so that there is nothing on which people could be told of it.
 */
export type Subject = { kind: 'issue' | 'change' | 'task' | 'request'; key: string }

export const subjectText = (subject: Event['subject'], runId: string): string =>
  subject === null ? `request/${runId}` : `${subject.kind}/${subject.key}`

export const subjectOf = (run: Pick<Run, 'subject'>): Subject => {
  const slash = run.subject.indexOf('/')
  return { kind: run.subject.slice(0, slash) as Subject['kind'], key: run.subject.slice(slash + 1) }
}

/** `owner/name`. */
export const repositoryName = /^[\w.-]+\/[\w.-]+$/

/**
 * Asked for by whoever operates the installation, on its own machine, or by a schedule of theirs: the host is not asked
 * whether they may, and nobody there has asked.
 */
export const isOperators = (run: Pick<Run, 'event'>): boolean =>
  run.event.provider === 'operator' || run.event.provider === 'schedule'

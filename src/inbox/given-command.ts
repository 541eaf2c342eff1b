import type { Answer } from '../domain/answer.ts'
import type { Event } from '../domain/event.ts'
import type { RepositoryRef, VersionControl } from '../plugins/version-control/contract.ts'
import type { JobData, Queue } from '../queue/contract.ts'
import type { Answers } from '../report/contract.ts'
import type { Database, Tx } from '../store/database.ts'

export type ObeyParts = {
  database: Database
  queue: Queue
  versionControl: VersionControl
  answers: Answers
  /** Commands that start a workflow here. */
  starting: () => string[]
  /**
   * Lets a run go on that has failed, with `alongside` in the same transaction. Throws what a person can be told:
   * `not_found`, `conflict`, `invalid_input`.
   */
  retry: (runId: string, from: string | null, by: string, alongside: (tx: Tx) => Promise<void>) => Promise<unknown>
  log: (level: 'info' | 'warn', message: string, data?: Record<string, unknown>) => void
}

/** A command with where it was given. `id` names it among all: a delivery may bring several. */
export type Given = { id: string; event: Event; delivery: string; place: RepositoryRef; subject: string }

/** The job of answering it on behalf of a run, which waits until nobody else is telling of that run. */
export const answerJob = ({ event, delivery }: Given, runId: string, answer: Answer): JobData => ({
  runId,
  command: event,
  delivery,
  answer,
})

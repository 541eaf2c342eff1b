import type { Answer } from '../domain/answer.ts'
import { crashPoint } from '../domain/crash-point.ts'
import type { Event } from '../domain/event.ts'
import type { RepositoryRef, VersionControl } from '../plugins/version-control/contract.ts'
import type { JobData, Queue } from '../queue/contract.ts'
import type { Answers } from '../report/contract.ts'
import type { Database, Tx } from '../store/database.ts'
import { takeCommand } from '../store/taken-commands.ts'

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

/** A command with where it was given. `id` names it among all: a comment may hold several, and may be delivered twice. */
export type Given = { id: string; event: Event; delivery: string; place: RepositoryRef; subject: string }

/** The job of answering it on behalf of a run, which waits until nobody else is telling of that run; or of none. */
export const answerJob = ({ event, delivery }: Given, runId: string | null, answer: Answer): JobData => ({
  ...(runId !== null && { runId }),
  command: event,
  delivery,
  answer,
})

/** Takes the command, with what it changes or is answered with in the same transaction; does nothing where it was taken before. */
export const takeOnce = async (
  { database }: ObeyParts,
  given: Given,
  work: (tx: Tx) => Promise<void> = async () => undefined,
): Promise<void> => {
  await database.db.transaction().execute(async (tx) => {
    if (await takeCommand(tx, given.id)) await work(tx)
  })
  crashPoint('command.taken')
}

/** Words about no run, kept before they are said. */
export const sayOnce = (parts: ObeyParts, given: Given, text: string): Promise<void> =>
  takeOnce(parts, given, (tx) => sayIn(tx, parts, given, text))

export const sayIn = (tx: Tx, { queue }: ObeyParts, given: Given, text: string): Promise<void> =>
  queue.enqueueAll('acknowledge', [answerJob(given, null, { key: given.id, text })], { tx })

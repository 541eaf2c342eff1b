import type { Event } from '../domain/event.ts'
import type { RepositoryRef, VersionControl } from '../plugins/version-control/contract.ts'
import type { Queue } from '../queue/contract.ts'
import type { Answers } from '../report/contract.ts'
import type { Database } from '../store/database.ts'

export type ObeyParts = {
  database: Database
  queue: Queue
  versionControl: VersionControl
  answers: Answers
  /** Commands that start a workflow here. */
  starting: () => string[]
  /** Lets a run go on that has failed. Throws what a person can be told: `not_found`, `conflict`, `invalid_input`. */
  retry: (runId: string, from: string | null, given: Given) => Promise<unknown>
  log: (level: 'info' | 'warn', message: string, data?: Record<string, unknown>) => void
}

/** A command with where it was given. */
export type Given = { event: Event; delivery: string; place: RepositoryRef; subject: string }

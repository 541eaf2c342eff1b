import type { Answer } from '../domain/answer.ts'
import type { Event } from '../domain/event.ts'
import type { Tx } from '../store/database.ts'

export const lanes = ['acknowledge', 'advance-run', 'report', 'reap', 'reconcile', 'schedule'] as const
export type Lane = (typeof lanes)[number]

/**
 * What a job is about: a run, a command that is said to the runs of its subject, with the row of its delivery, or the answer to
 * such a command, on behalf of a run or of none. `tried`: how often what it needs outside was away.
 */
export type JobData = { runId?: string; command?: Event; delivery?: string; answer?: Answer; tried?: number }

/** pg-boss behind a few verbs. Handlers are handed in by app.ts; a handler that throws is retried with back-off. */
export type Queue = {
  start: () => Promise<void>
  /** In the transaction when one is given: the job exists if and only if the transaction commits. */
  enqueue: (lane: Lane, data: JobData, options?: { tx?: Tx; afterSeconds?: number }) => Promise<void>
  /** Many in one statement. */
  enqueueAll: (lane: Lane, data: JobData[], options?: { tx?: Tx }) => Promise<void>
  work: (
    lane: Lane,
    concurrency: number,
    handler: (data: JobData, signal: AbortSignal) => Promise<void>,
  ) => Promise<void>
  /** Calls the lane's handler every so often, on one process at a time. */
  every: (lane: Lane, seconds: number) => Promise<void>
  /** Jobs that ended in the dead letter queue, newest first. */
  dead: () => Promise<{ lane: string; data: JobData; failedAt: Date }[]>
  /** No new jobs; waits for running ones up to the limit. */
  stop: (options: { graceMs: number }) => Promise<void>
}

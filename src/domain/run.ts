import type { ErrorClass } from './error-class.ts'
import type { Failure } from './errors.ts'
import type { Actor, Event } from './event.ts'
import type { MicroUsd } from './money.ts'

/**
 * queued    stored and enqueued; nobody has claimed it yet
 * running   a worker holds the lease (or has lost it and the reaper will enqueue it again)
 * parked    waits for a time or for a person; no worker and no memory
 * done | failed | stopped | refused   the end, with a reason that a person can read
 */
export const runStates = ['queued', 'running', 'parked', 'done', 'failed', 'stopped', 'refused'] as const
export type RunState = (typeof runStates)[number]

export const liveStates = ['queued', 'running', 'parked'] as const satisfies readonly RunState[]
export const isLive = (state: RunState): boolean => (liveStates as readonly RunState[]).includes(state)

export const stepStates = ['running', 'done', 'failed', 'skipped'] as const
export type StepState = (typeof stepStates)[number]

/** One execution of one workflow, as its row has it. */
export type Run = {
  id: string
  workflow: string
  /** Hash of the pinned definition with its prompts. */
  definitionHash: string
  repository: string
  installation: string | null
  /** `issue/12`, `change/7` */
  subject: string
  actor: Actor
  event: Event
  state: RunState
  /** Raised by each claim. Whoever writes for the run shows it, and an old one is refused. */
  epoch: number
  /** How often a worker has claimed it; counted before it starts, so that a crash counts. */
  claims: number
  stopRequestedBy: string | null
  wakeAt: Date | null
  failure: Failure | null
  baseSha: string | null
  /** Where the outside shows this run: comment, check run, change. Filled as effects are confirmed. */
  links: RunLinks
  costCap: MicroUsd
  tokenCap: number
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
}

export type RunLinks = {
  commentId?: string
  commentUrl?: string
  commentEdits?: number
  checkRunId?: string
  change?: { number: number; url: string; title: string; branch: string; headSha: string; files: number }
}

/** A try of a step that failed and was followed by another. Times are the database's. */
export type FailedAttempt = {
  attempt: number
  code: string
  message: string
  begunAt: string
  at: string
  /** How many steps of the run had been done when the next try began. */
  finished: number
}

/** A row of the journal: one named piece of a run. `address` says where it stands, see `address.ts`. */
export type StepRecord = {
  runId: string
  address: string
  name: string
  kind: string
  ordinal: number
  state: StepState
  attempts: number
  result: unknown
  failure: Failure | null
  /** Why it was skipped. */
  reason: string | null
  /** A few words on what it is doing now, for the progress comment. */
  activity: string | null
  cost: MicroUsd
  startedAt: Date
  finishedAt: Date | null
}

/** Failed tries that were followed by another, by class of failure: each has a bound of its own. */
export type RetryCounts = Partial<Record<ErrorClass, number>>

/** The call that undoes what a step did, with its inputs as they were when the step was done. */
export type Compensation = { plugin: string; action: string; inputs: Record<string, unknown> }

/**
 * waiting    somebody is to say yes or no
 * approved | rejected   somebody has
 * voided     what was shown is no longer what there is, or the run ended before
 * timed_out  nobody has, in time
 */
export const approvalStates = ['waiting', 'approved', 'rejected', 'voided', 'timed_out'] as const
export type ApprovalState = (typeof approvalStates)[number]
export type OnTimeout = 'approve' | 'reject' | 'fail'

/** What a worker shows with each write for a run. */
export type Claim = { runId: string; epoch: number; owner: string }

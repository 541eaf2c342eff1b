import { usd } from '../domain/money.ts'
import { isLive, type Run, type RunState } from '../domain/run.ts'
import type { RunState as RunFacts } from '../store/run-states.ts'

/** A run in one line, as plain JSON. */
export type RunLine = {
  id: string
  workflow: string
  state: RunState
  repository: string
  /** `issue/12`, `change/7`; `request/…` for a run that is about neither. */
  subject: string
  by: string
  createdAt: string
  startedAt: string | null
  finishedAt: string | null
  costUsd: number
  costCapUsd: number
  /** What it does, waits for, or ended with, in a few words; null where there is nothing to say. */
  now: string | null
  change: { number: number; url: string } | null
}

export const runLine = (run: Run, facts: RunFacts): RunLine => ({
  id: run.id,
  workflow: run.workflow,
  state: run.state,
  repository: run.repository,
  subject: run.subject,
  by: run.actor.login,
  createdAt: run.createdAt.toISOString(),
  startedAt: iso(run.startedAt),
  finishedAt: iso(run.finishedAt),
  costUsd: usd(facts.cost),
  costCapUsd: usd(run.costCap),
  now: whatNow(run, facts),
  change: run.links.change ? { number: run.links.change.number, url: run.links.change.url } : null,
})

export const iso = (time: Date | null): string | null => time?.toISOString() ?? null

/** The day is said where it is not over soon: a wait may be one of weeks. */
const clock = (time: Date): string => `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`

const whatNow = (run: Run, facts: RunFacts): string | null => {
  if (!isLive(run.state)) return run.failure?.message ?? null
  if (run.stopRequestedBy !== null) return `is being stopped by ${run.stopRequestedBy}`
  if (facts.waitingApprovals > 0) return 'waits for approval'
  if (run.state === 'parked') {
    const where = facts.activity === null ? 'waits' : `waits in ${facts.activity}`
    return run.wakeAt === null ? where : `${where} until ${clock(run.wakeAt)}`
  }
  return facts.activity ?? (run.startedAt === null ? 'waits for a worker' : null)
}

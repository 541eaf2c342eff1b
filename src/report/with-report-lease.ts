import { codeOf, type ErrorCode, failureOf } from '../domain/errors.ts'
import type { Database } from '../store/database.ts'
import {
  endReportLease,
  type ReportLease,
  renewReportLease,
  type TellingEnd,
  takeReportLease,
} from '../store/reporting.ts'

export type LeaseParts = {
  database: Database
  leaseSeconds: () => number
  log: (level: 'warn' | 'error', message: string, data: Record<string, unknown>) => void
}

/** Nothing that time would mend: what we write to is gone, or closed to us, or does not take what we write. */
const forGood: ReadonlySet<ErrorCode> = new Set(['not_found', 'forbidden', 'invalid_input', 'conflict'])

export const isForGood = (error: unknown): boolean => forGood.has(codeOf(error))

/**
 * Does one piece of telling under the run's report lease, kept alive while it lasts: short, so that a killed process is
 * soon replaced, and renewed, so that a slow code host is not taken for a death. `work` says whether people now see the
 * present state. Where it fails, the row says when it is to be tried again, and the reaper sees to it. Throws only when the
 * database cannot be used.
 */
export const withReportLease = async <Outcome extends string>(
  parts: LeaseParts,
  runId: string,
  work: (lease: ReportLease) => Promise<{ outcome: Outcome; told: boolean }>,
): Promise<Outcome | 'busy' | 'gone' | 'failed'> => {
  const { db } = parts.database
  const seconds = parts.leaseSeconds()
  const lease = await takeReportLease(db, runId, seconds)
  if (lease === 'busy' || lease === 'gone') return lease
  const timer = setInterval(
    () => {
      // One that fails is made up for by the next; a lost lease is found out by the next effect.
      renewReportLease(db, runId, lease.epoch, seconds).catch(() => undefined)
    },
    (seconds * 1000) / 3,
  )
  let end: TellingEnd = 'again'
  try {
    const done = await work(lease)
    if (done.told) end = 'told'
    return done.outcome
  } catch (error) {
    const { code, retryAfterMs } = failureOf(error)
    if (code === 'store_unavailable') throw error
    // Another has taken over, whose row it is now.
    if (code === 'stale_epoch') return 'busy'
    end = { failed: { forGood: isForGood(error), retryAfterMs: retryAfterMs ?? 0 } }
    const defect = code === 'internal' ? { error } : { failure: failureOf(error) }
    parts.log(code === 'internal' ? 'error' : 'warn', 'people could not be told of a run', { run: runId, ...defect })
    return 'failed'
  } finally {
    clearInterval(timer)
    await endReportLease(db, runId, lease.epoch, end)
  }
}

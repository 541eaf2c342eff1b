import type { Database } from '../store/database.ts'
import { endReportLease, type ReportLease, renewReportLease, takeReportLease } from '../store/reporting.ts'

/**
 * Does one piece of telling under the run's report lease, kept alive while it lasts: short, so that a killed process is
 * soon replaced, and renewed, so that a slow code host is not taken for a death. `work` says whether people now see the
 * present state.
 */
export const withReportLease = async <Outcome extends string>(
  parts: { database: Database; leaseSeconds: () => number },
  runId: string,
  work: (lease: ReportLease) => Promise<{ outcome: Outcome; told: boolean }>,
): Promise<Outcome | 'busy' | 'gone'> => {
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
  let told = false
  try {
    const done = await work(lease)
    told = done.told
    return done.outcome
  } finally {
    clearInterval(timer)
    await endReportLease(db, runId, lease.epoch, told)
  }
}

import type { Database } from '../../store/database.ts'
import { expireUnacknowledged, requeueLapsed, runsToAcknowledge, runsToReport } from '../../store/reaping.ts'
import type { Queue } from '../contract.ts'

/** A job that was enqueued and is not at work after so long is taken for lost. */
const lostJobSeconds = 30
const giveUpAcknowledgingSeconds = 3_600

/**
 * Finds what has nobody: runs whose worker is gone, runs whose job was lost, reports that were not told. Enqueues them
 * again in the transaction that found them.
 */
export const createReap =
  (parts: { database: Database; queue: Queue; reportEverySeconds: () => number }) => async (): Promise<void> => {
    const { database, queue } = parts
    await database.db.transaction().execute(async (tx) => {
      const lapsed = await requeueLapsed(tx, lostJobSeconds)
      if (lapsed.length > 0) await queue.enqueueAll('advance-run', jobsOf(lapsed), { tx })
      await expireUnacknowledged(tx, giveUpAcknowledgingSeconds)
      const waiting = await runsToAcknowledge(tx, lostJobSeconds)
      if (waiting.length > 0) await queue.enqueueAll('acknowledge', jobsOf(waiting), { tx })
    })
    await database.db.transaction().execute(async (tx) => {
      const untold = await runsToReport(tx, parts.reportEverySeconds(), lostJobSeconds)
      if (untold.length > 0) await queue.enqueueAll('report', jobsOf(untold), { tx })
    })
  }

const jobsOf = (ids: string[]) => ids.map((runId) => ({ runId }))

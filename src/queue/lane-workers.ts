import type { PgBoss } from 'pg-boss'
import type { JobData, Lane } from './contract.ts'

/** The workers of one lane in this process, each of which takes one job at a time. */
export type LaneWorkers = {
  /** Has one that is free look for a job now. It wakes the next when it finds one, so that a backlog wakes as many as it needs. */
  wakeOne: () => void
  running: () => number
}

type Handler = (data: JobData, signal: AbortSignal) => Promise<void>

/**
 * pg-boss polls for each worker and wakes all of them for each job. Here the workers sleep, and one that is free is woken:
 * by a notification, by another that has found a job, by its own end, and twice a second for what was delayed or is
 * tried again. So an idle process asks twice a second for each lane, however many workers it has.
 */
export const startLaneWorkers = async (
  boss: PgBoss,
  lane: Lane,
  concurrency: number,
  handler: Handler,
  failed: (error: unknown, data: JobData) => void,
): Promise<LaneWorkers> => {
  const free = new Set<string>()
  const all: string[] = []
  const wakeOne = (): void => {
    const id = free.values().next().value
    if (id === undefined) return
    // To the back of the line, so that the next call wakes another.
    free.delete(id)
    free.add(id)
    boss.notifyWorker(id)
  }
  for (let index = 0; index < concurrency; index++) {
    const id: string = await boss.work<JobData>(lane, pollSettings, async ([job]) => {
      const me = all[index]
      if (!job || me === undefined) return
      free.delete(me)
      wakeOne()
      try {
        await handler(job.data, job.signal)
      } catch (error) {
        // pg-boss keeps it in the job's row, where nobody looks.
        failed(error, job.data)
        throw error
      } finally {
        free.add(me)
        boss.notifyWorker(me)
      }
    })
    all[index] = id
    free.add(id)
  }
  return { wakeOne, running: () => all.length - free.size }
}

/** How often a sleeping worker looks by itself: rarely while notifications arrive, as often as may be while they do not. */
const pollSettings = { batchSize: 1, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 30 }

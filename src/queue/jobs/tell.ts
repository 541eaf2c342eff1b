import type { JobData, Queue } from '../contract.ts'

/** Somebody else is at it just now; what they tell may be older than what we would. */
const againAfterSeconds = 1

/** The handlers of the lanes `acknowledge` and `report`: run the verb, and come back where another process was at it. */
export const createTell =
  (queue: Queue, lane: 'acknowledge' | 'report', verb: (runId: string) => Promise<string>) =>
  async (data: JobData): Promise<void> => {
    if (data.runId === undefined) return
    const outcome = await verb(data.runId)
    if (outcome === 'busy') await queue.enqueue(lane, data, { afterSeconds: againAfterSeconds })
  }

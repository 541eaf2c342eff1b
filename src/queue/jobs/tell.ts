import type { Event } from '../../domain/event.ts'
import type { JobData, Queue } from '../contract.ts'

/** Somebody else is at it just now; what they tell may be older than what we would. */
const againAfterSeconds = 1

/**
 * The handlers of the lanes `acknowledge` and `report`: run the verb, and come back where another process was at it. `obey` is
 * for commands, which are acknowledged by what they do.
 */
export const createTell =
  (
    queue: Queue,
    lane: 'acknowledge' | 'report',
    verb: (runId: string) => Promise<string>,
    obey?: (command: Event, delivery: string) => Promise<string>,
  ) =>
  async (data: JobData): Promise<void> => {
    const outcome = await outcomeOf(data, verb, obey)
    if (outcome === 'busy') await queue.enqueue(lane, data, { afterSeconds: againAfterSeconds })
  }

const outcomeOf = async (
  { runId, command, delivery }: JobData,
  verb: (runId: string) => Promise<string>,
  obey?: (command: Event, delivery: string) => Promise<string>,
): Promise<string> => {
  if (command) return obey && delivery !== undefined ? obey(command, delivery) : 'gone'
  return runId === undefined ? 'gone' : verb(runId)
}

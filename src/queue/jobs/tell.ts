import type { Answering } from '../../domain/answer.ts'
import { codeOf, failureOf, isRetryable } from '../../domain/errors.ts'
import type { Event } from '../../domain/event.ts'
import type { JobData, Queue } from '../contract.ts'

/** Somebody else is at it just now; what they tell may be older than what we would. */
const againAfterSeconds = 1

/** Nobody else would come back to a command: it is tried for about a day, as what is told of a run is. */
const mostTries = 300
const longestWaitSeconds = 300

/** What is done with a run; with a command, which is acknowledged by what it does; with the answer to one. */
export type Telling = {
  verb: (runId: string) => Promise<string>
  obey?: (command: Event, delivery: string) => Promise<void>
  answer?: (answering: Answering) => Promise<'done' | 'busy'>
}

/**
 * The handlers of the lanes `acknowledge` and `report`: do it, and come back where another process was at it; with a command
 * also where the outside is away, for longer than the queue would. What a run is to be told is left to the reaper.
 */
export const createTell =
  (queue: Queue, lane: 'acknowledge' | 'report', telling: Telling) =>
  async (data: JobData): Promise<void> => {
    try {
      const outcome = await outcomeOf(data, telling)
      if (outcome === 'busy') await queue.enqueue(lane, data, { afterSeconds: againAfterSeconds })
    } catch (error) {
      const tried = (data.tried ?? 0) + 1
      if (!data.command || !isRetryable(codeOf(error)) || tried > mostTries) throw error
      await queue.enqueue(lane, { ...data, tried }, { afterSeconds: waitSeconds(tried, error) })
    }
  }

const waitSeconds = (tried: number, error: unknown): number =>
  Math.min(longestWaitSeconds, Math.max(2 ** tried, (failureOf(error).retryAfterMs ?? 0) / 1000))

const outcomeOf = async ({ runId, command, delivery, answer }: JobData, telling: Telling): Promise<string> => {
  if (!command) return runId === undefined ? 'gone' : telling.verb(runId)
  if (delivery === undefined) return 'gone'
  if (answer) return (await telling.answer?.({ runId: runId ?? null, command, delivery, answer })) ?? 'gone'
  await telling.obey?.(command, delivery)
  return 'done'
}

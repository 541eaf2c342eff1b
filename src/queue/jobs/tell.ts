import type { Answering } from '../../domain/answer.ts'
import type { Event } from '../../domain/event.ts'
import type { JobData, Queue } from '../contract.ts'

/** Somebody else is at it just now; what they tell may be older than what we would. */
const againAfterSeconds = 1

/** What is done with a run; with a command, which is acknowledged by what it does; with the answer to one. */
export type Telling = {
  verb: (runId: string) => Promise<string>
  obey?: (command: Event, delivery: string) => Promise<void>
  answer?: (answering: Answering) => Promise<'done' | 'busy'>
}

/** The handlers of the lanes `acknowledge` and `report`: do it, and come back where another process was at it. */
export const createTell =
  (queue: Queue, lane: 'acknowledge' | 'report', telling: Telling) =>
  async (data: JobData): Promise<void> => {
    const outcome = await outcomeOf(data, telling)
    if (outcome === 'busy') await queue.enqueue(lane, data, { afterSeconds: againAfterSeconds })
  }

const outcomeOf = async ({ runId, command, delivery, answer }: JobData, telling: Telling): Promise<string> => {
  if (!command) return runId === undefined ? 'gone' : telling.verb(runId)
  if (delivery === undefined) return 'gone'
  if (answer) return (await telling.answer?.({ runId: runId ?? null, command, delivery, answer })) ?? 'gone'
  await telling.obey?.(command, delivery)
  return 'done'
}

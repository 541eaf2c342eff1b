import type { Event } from '../domain/event.ts'

/** `busy`: somebody else is telling of that run just now; ask again in a moment. */
export type Answered = 'done' | 'busy'

/** How those who gave a command are answered, where they gave it. All is done once, however often it is asked for. */
export type Answers = {
  /** A thumb on the comment, without a word. Nothing where it cannot be had. */
  thumb: (runId: string, command: Event) => Promise<Answered>
  /** One comment on behalf of a run for each `key`. */
  tellOf: (runId: string, command: Event, key: string, text: string) => Promise<Answered>
  /** One comment for this delivery, about no run. */
  reply: (command: Event, delivery: string, text: string) => Promise<void>
  /** How the runs stand that the command is about, in a line each. */
  status: (command: Event) => Promise<string>
}

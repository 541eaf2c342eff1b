import type { Answering } from '../domain/answer.ts'
import type { Event } from '../domain/event.ts'

/** `busy`: somebody else is telling of that run just now; ask again in a moment. */
export type Answered = 'done' | 'busy'

/** How those who gave a command are answered, where they gave it. All is done once, however often it is asked for. */
export type Answers = {
  /** On behalf of a run, or of none. Nothing where a thumb cannot be had. */
  give: (answering: Answering) => Promise<Answered>
  /** How the runs stand that the command is about, in a line each. */
  status: (command: Event) => Promise<string>
}

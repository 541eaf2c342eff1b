import type { Event } from './event.ts'

/** What a command is answered with: a thumb on its comment, or words that are said once for each `key`. */
export type Answer = 'thumb' | { key: string; text: string }

/**
 * An answer with what it answers. On behalf of a run a key is that run's, whoever gives the command; where there is no run
 * the words are about none.
 */
export type Answering = { runId: string | null; command: Event; delivery: string; answer: Answer }

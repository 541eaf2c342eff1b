import type { z } from 'zod'
import { answer } from './answer.ts'
import type { Verb } from './contract.ts'
import { listRuns } from './list-runs.ts'
import { readLogs } from './read-logs.ts'
import { replayRun } from './replay-run.ts'
import { retryRun } from './retry-run.ts'
import { showRun } from './show-run.ts'
import { startRun } from './start-run.ts'
import { stopRun } from './stop-run.ts'

/**
 * Everything that an operator may do, by the name under which it is asked for: adding a line here is all that the direct
 * way and the control socket need. Its command stands in src/cli/command-line.ts.
 */
export const verbs = {
  'list-runs': listRuns,
  'show-run': showRun,
  'read-logs': readLogs,
  'start-run': startRun,
  'stop-run': stopRun,
  'retry-run': retryRun,
  'replay-run': replayRun,
  answer,
}

export type Verbs = typeof verbs
export type VerbName = keyof Verbs
export type InputOf<Name extends VerbName> = Verbs[Name] extends Verb<infer Input, infer _> ? z.input<Input> : never
export type OutputOf<Name extends VerbName> = Verbs[Name] extends Verb<infer _, infer Output> ? Output : never

/** Asks for verbs, whichever way the database is reached. */
export type Operator = {
  ask: <Name extends VerbName>(name: Name, input: InputOf<Name>) => Promise<OutputOf<Name>>
  /** Every answer that says something new, until the last. Ends early, in good order, when the signal is aborted. */
  follow: <Name extends VerbName>(
    name: Name,
    input: InputOf<Name>,
    signal?: AbortSignal,
  ) => AsyncIterable<OutputOf<Name>>
}

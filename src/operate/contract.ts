import type { z } from 'zod'
import type { Queue } from '../queue/contract.ts'
import type { Database } from '../store/database.ts'
import type { NewRun } from '../store/runs.ts'
import type { LoadedWorkflow } from '../workflow/language/definition.ts'

/** What every verb is given. A server has all of it at hand; a command that opens the database itself makes it when asked. */
export type OperateParts = {
  database: Database
  /** A command only inserts jobs; whoever serves does them. In the transaction that makes them necessary. */
  queue: Pick<Queue, 'enqueue' | 'enqueueAll'>
  /** The workflows that a new run may start with, each kept in the database already. Throws `invalid_workflow`. */
  workflows: () => Promise<LoadedWorkflow[]>
  caps: (workflow: LoadedWorkflow) => Pick<NewRun, 'costCap' | 'tokenCap' | 'deadlineSeconds'>
  /** Where the code host shows a repository; part of a run's intent. */
  repositoryUrl: (repository: string) => string
}

/**
 * One thing that an operator may do. It is asked for from the command line, directly or through the control socket of the
 * server that holds the embedded database; what it gives has to be plain JSON (times as ISO text), so that it is the same
 * either way. It throws `JourneymanError`: `not_found`, `conflict`, `invalid_input`.
 */
export type Verb<Input extends z.ZodType = z.ZodType, Output = unknown> = {
  input: Input
  /** It only reads: the queue is not opened for it. */
  reads?: true
  /** `by` is who asked, as the audit log and the run's row should have it: `operator:alice`. */
  ask: (parts: OperateParts, input: z.output<Input>, by: string) => Promise<Output>
  /** What it takes to ask again and again until there is nothing more to come; a verb without it cannot be followed. */
  follow?: {
    /** What to ask next; null when this answer was the last. */
    next: (input: z.output<Input>, output: Output) => z.output<Input> | null
    /** Whether the answer says anything that the one before did not. */
    isNews: (output: Output, before: Output | null) => boolean
  }
}

/** Keeps the types of a verb together where it is written down. */
export const verb = <Input extends z.ZodType, Output>(given: Verb<Input, Output>): Verb<Input, Output> => given

import type { Operator } from '../operate/verbs.ts'

/** The way to the verbs that was found. */
export type OpenedOperator = {
  operator: Operator
  /** Whether somebody may be at work on runs: on the embedded database, only while a server holds it. */
  attended: boolean
  close: () => Promise<void>
}

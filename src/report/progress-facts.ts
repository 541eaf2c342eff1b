import type { PlanStep } from '../domain/plan.ts'
import type { Run } from '../domain/run.ts'
import type { Approval } from '../store/approvals.ts'
import type { StepRow } from '../store/steps.ts'

/** Of a step's row what people are shown. */
export type ShownStep = Pick<
  StepRow,
  | 'address'
  | 'name'
  | 'kind'
  | 'state'
  | 'attempts'
  | 'failure'
  | 'reason'
  | 'activity'
  | 'cost'
  | 'startedAt'
  | 'finishedAt'
  | 'retryInSeconds'
  | 'memo'
>

/** What the progress comment is drawn from: rows, and the definition's steps by name. Never the model's words. */
export type ProgressFacts = {
  run: Run
  steps: ShownStep[]
  approvals: Approval[]
  /** The definition's own steps in order, as people should read them. */
  plan: PlanStep[]
  cost: number
  runUrl: string | null
  sandbox: { usable: boolean; kind: string }
  now: Date
}

import type { Branch } from './address.ts'

/** A step of a pinned definition as people should read it, with the steps that it holds. */
export type PlanStep = {
  name: string
  description: string
  /** `parallel`, `loop`, `wait` …: the step's type. */
  kind: string
  /** The event that a `wait` is for. */
  event: string | null
  /** Of a conditional's step: on which way it stands. */
  branch: Branch | null
  steps: PlanStep[]
}

/** A workflow after parsing and checking: every default filled in, every construct named by `type`. */
export type ErrorStrategy = 'fail' | 'retry' | 'continue' | 'rollback'

export type RetryPolicy = {
  /** Tries after the first. */
  count: number
  backoff: 'exponential' | 'fixed'
  initialSeconds: number
  maxSeconds: number
  jitter: 'full' | 'none'
}

/** Where something stands in its file, for messages. 1-based. */
export type Position = { line: number; column: number }

/** A YAML value whose strings may hold expressions; evaluated when the step runs. */
export type Template = unknown

type StepBase = {
  name: string
  description: string | null
  condition: string | null
  onError: ErrorStrategy
  retry: RetryPolicy
  timeoutSeconds: number | null
  needs: string[]
  outputs: Record<string, string>
  position: Position
}

export type PluginStep = StepBase & {
  type: 'plugin'
  plugin: string
  action: string
  inputs: Record<string, Template>
  rollback: Call | null
}
export type AiStep = StepBase & {
  type: 'ai_action'
  agent: string
  promptTemplate: string | null
  prompt: Template | null
  inputs: Record<string, Template>
  rollback: Call | null
}
export type RunStep = StepBase & {
  type: 'run'
  command: Template
  accept: { exitCode: number[] } | null
  network: boolean
}
export type ConditionalStep = StepBase & { type: 'conditional'; test: string; then: Step[]; else: Step[] }
export type ParallelStep = StepBase & { type: 'parallel'; maxConcurrency: number; failFast: boolean; steps: Step[] }
export type LoopStep = StepBase & {
  type: 'loop'
  forEach: Template
  as: string
  maxIterations: number
  maxConcurrency: number
  steps: Step[]
}
export type ApprovalStep = StepBase & {
  type: 'approval'
  shows: Template
  approvers: string[]
  onTimeout: 'approve' | 'reject' | 'fail'
}
export type WaitStep = StepBase & { type: 'wait'; event: string | null; seconds: number | null }
export type WorkflowStep = StepBase & { type: 'workflow'; uses: string; inputs: Record<string, Template> }
export type SystemStep = StepBase & { type: 'system'; action: string; inputs: Record<string, Template> }

export type Step =
  | PluginStep
  | AiStep
  | RunStep
  | ConditionalStep
  | ParallelStep
  | LoopStep
  | ApprovalStep
  | WaitStep
  | WorkflowStep
  | SystemStep

export type Call = { plugin: string; action: string; inputs: Record<string, Template> }

export type Trigger = {
  /** A name of domain/event.ts; `command: run` is `command.given` with fields.command `run`. */
  event: string
  /** Each must equal the event's field of that name (label, to, command ...). */
  fields: Record<string, string>
  schedule: string | null
  /** `owner/name`; only of a schedule. */
  repository?: string
}

export type InputSpec = {
  type: 'string' | 'number' | 'boolean' | 'list' | 'object'
  required: boolean
  default: Template
  description: string | null
}

export type Definition = {
  name: string
  description: string
  version: string
  kind: string
  on: Trigger[]
  inputs: Record<string, InputSpec>
  variables: Record<string, Template>
  concurrency: { key: string; policy: 'one' | 'queue' | 'cancel_running' } | null
  limits: { maxCostUsd: number | null; maxTokens: number | null; maxMinutes: number | null }
  prerequisites: { condition: string; errorMessage: string }[]
  steps: Step[]
  successCriteria: { condition: string; description: string }[]
  postExecution: { always: Step[]; onSuccess: Step[]; onFailure: Step[] }
}

/** A definition with the texts that a run pins: the same hash is the same behaviour. */
export type LoadedWorkflow = {
  hash: string
  file: string
  source: string
  /** Prompt reference as written in the step -> the template's text. */
  prompts: Record<string, string>
  definition: Definition
}

export type Problem = {
  file: string
  line: number
  column: number
  path: string
  message: string
  severity: 'error' | 'warning'
}

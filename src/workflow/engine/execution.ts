import type { AgentJournal, AgentOutcome, AgentTask } from '../../agents/contract.ts'
import type { CheckResult, Implementation } from '../../domain/agent.ts'
import type { Change } from '../../domain/change.ts'
import type { EffectGuard, EffectLedger } from '../../domain/effect.ts'
import type { ErrorRule } from '../../domain/error-class.ts'
import type { JourneymanError } from '../../domain/errors.ts'
import type { Claim, Run } from '../../domain/run.ts'
import type { Task } from '../../domain/task.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { TaskManagement } from '../../plugins/task-management/contract.ts'
import type { RepositoryInfo, VersionControl } from '../../plugins/version-control/contract.ts'
import type { Queue } from '../../queue/contract.ts'
import type { Database } from '../../store/database.ts'
import type { ProposedFile, RepositorySettings, Workspace, Workspaces } from '../../workspace/contract.ts'
import type { Definition, Step } from '../language/definition.ts'
import type { Journal } from './journal.ts'
import type { RunWorkspace } from './run-workspace.ts'
import type { StepsView } from './step-facts.ts'
import type { Variables } from './variables.ts'

/** What the engine is given by app.ts. It knows shapes only: contracts, and verbs of rooms that it may not import. */
export type EngineParts = {
  database: Database
  /** Names this process in leases. */
  owner: string
  effects: EffectLedger
  versionControl: VersionControl
  taskManagement: TaskManagement
  workspaces: Workspaces
  agents: Record<string, AgentRole>
  runAgent: (task: AgentTask, journal: AgentJournal, workspace: Workspace, signal: AbortSignal) => Promise<AgentOutcome>
  money: Ledger
  queue: Pick<Queue, 'enqueue'>
  evidence: Evidence
  /** What the plugins know better of their services' failures; for `classify`. */
  errorRules?: readonly ErrorRule[]
  settings: () => EngineSettings
  log: Log
}

export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, data?: Record<string, unknown>) => void

export type EngineSettings = {
  leaseSeconds: number
  maxClaims: number
  /** A wait of at most so long is waited for by the worker itself; 30. */
  heldWaitSeconds?: number
  monthlyCap: number
  models: { primary: string; fallback: string | null }
  agentLimits: Record<string, AgentTask['limits']>
  proposal: ProposalRules
  /** `config.` in expressions: what may be seen by anyone. */
  publicConfig: Record<string, unknown>
  /** The address at which people can see the run; null without one. */
  runUrl: (runId: string) => string | null
}

export type ProposalRules = {
  maxFiles: number
  maxFileBytes: number
  maxTotalBytes: number
  allowBinaries: boolean
  protectedPaths: string[]
  /** Who may let a change to them leave. */
  protectedApprovers: string[]
  draft: boolean
}

/** A role that thinks with a model: what the engine needs of it. */
export type AgentRole = {
  name: string
  /** The name of the system prompt, pinned with the definition. */
  systemTemplate: string
  /** What its prompt is rendered with. Texts that strangers wrote are normalised and quoted there, never evaluated. */
  promptVariables: (facts: PromptFacts) => Record<string, unknown>
  /** From what was submitted, with what is recorded rather than claimed. */
  toResult: (submitted: Record<string, unknown>, proposal: ProposedFile[], checks: CheckResult[]) => Implementation
}

export type PromptFacts = {
  task: Task
  author: { login: string; permission: string }
  repository: { name: string }
  settings: RepositorySettings
  branch: string
  baseline: CheckResult[]
}

/** The workspace room's verbs on what a run shows and proposes. */
export type Evidence = {
  runSetup: (workspace: Workspace, signal: AbortSignal, activity: (text: string) => void) => Promise<CheckResult[]>
  runChecks: (
    workspace: Workspace,
    when: 'before' | 'after',
    signal: AbortSignal,
    activity: (text: string) => void,
  ) => Promise<CheckResult[]>
  judge: (files: ProposedFile[], rules: ProposalRules) => Judgement
  /** Sentences that say which secret stands where in a text that would leave. */
  findSecrets: (text: string) => string[]
  describeChange: (facts: ChangeFacts) => string
  /** Somebody's words for a title or a commit: they mention, command, close and skip nothing. */
  disarm: (text: string) => string
}

/** Sentences that say what may not leave, and what may but should be seen by whoever reviews it. */
export type Judgement = {
  refused: { path: string; message: string; protected: boolean }[]
  flagged: { path: string; message: string }[]
}

export type ChangeFacts = {
  run: Run
  task: Task | null
  description: string
  implementation: Implementation | null
  files: ProposedFile[]
  flagged: Judgement['flagged']
  checks: CheckResult[]
  models: string[]
  cost: number
  runUrl: string | null
  sandbox: { usable: boolean; kind: string; summary: string }
}

/**
 * One run in the hands of one worker; what is inside a construct has one of its own, with that construct's scope and signal,
 * and inside a used workflow that one's definition and prompts.
 */
export type Execution = {
  run: Run
  claim: Claim
  guard: EffectGuard
  definition: Definition
  prompts: Record<string, string>
  journal: Journal
  variables: Variables
  /** The names of the system, for the scope of a used workflow. */
  system: Record<string, () => unknown>
  /** The steps that are seen from here. */
  view: StepsView
  workspace: RunWorkspace
  facts: StartFacts
  /**
   * Aborted by a stop, the deadline, a lost claim, the end of this process, or the end of what is around: a timeout, another
   * branch that failed. Its reason is a JourneymanError.
   */
  signal: AbortSignal
  /** Ends of steps that asked for a rollback, until somebody has done it. */
  rollbacks: WeakSet<JourneymanError>
  /** Stands between each step and what it does: for a replay, which runs only what holds other steps. */
  replayed?: (step: Step, context: StepContext, run: () => Promise<unknown>) => Promise<unknown>
  /** Of what is done after the end of a run: false where nobody goes on from its snapshots any more. */
  mayBeRetried?: boolean
  parts: EngineParts
}

/** One attempt of one step. What it returns is its result: kept in the journal, and mapped to variables by `outputs`. */
export type StepContext = {
  /** With the step's own signal: the timeout is in it. */
  execution: Execution
  address: string
  attempt: number
  signal: AbortSignal
  /** What the step was given, to be kept beside its result. */
  given: (inputs: unknown) => void
  /** For constructs that contain steps. */
  inner: InnerSteps
}

/** Handed to the constructs, since what runs a step knows them all. */
export type InnerSteps = {
  runSteps: (execution: Execution, steps: readonly Step[], parent: string) => Promise<void>
  runStep: (execution: Execution, step: Step, address: string) => Promise<void>
  runBody: (execution: Execution, parent: string) => Promise<void>
}

/** What was read once, at the start of the run, and journalled. */
export type StartFacts = {
  task: Task | null
  change: Change | null
  repository: RepositoryInfo
  /** What expressions see as `config`. Runs of an earlier version have none. */
  config?: Record<string, unknown>
  /** What they see as `run.url`. Runs of an earlier version have none. */
  runUrl?: string | null
}

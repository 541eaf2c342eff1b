import type { MicroUsd, TokenUsage } from '../domain/money.ts'
import type {
  AssistantBlock,
  Message,
  ModelResponse,
  TextBlock,
  ToolDefinition,
} from '../plugins/ai-provider/contract.ts'
import type { Workspace } from '../workspace/contract.ts'

/** What every turn of one conversation shares. Kept in the journal, so that a resumed one has the very same prefix. */
export type AgentOpening = { system: TextBlock[]; tools: ToolDefinition[]; first: Message }

/** An empty `toolUseId` marks a word of the loop to the model (a nudge, "one turn is left"), which is no tool's result. */
export type ToolResult = { toolUseId: string; content: string; isError: boolean }

/** A turn as the journal has it. `results` null: the tools have not run; `snapshot` null: they must run again. */
export type Turn = {
  ordinal: number
  model: string
  content: AssistantBlock[]
  stopReason: string
  results: ToolResult[] | null
  snapshot: string | null
  usage: TokenUsage
  cost: MicroUsd
}

/**
 * The agent's journal and purse, handed in by the engine; every member checks the run's epoch and throws `stale_epoch`.
 */
export type AgentJournal = {
  /** Opens the conversation, or gives back the one that a killed worker left. */
  open: (opening: AgentOpening, model: string) => Promise<{ opening: AgentOpening; turns: Turn[] }>
  /** Reserves the most the call can cost. Throws `budget_exceeded`, `unknown_price`. */
  reserve: (call: {
    ordinal: number
    model: string
    inputTokens: number
    maxOutputTokens: number
  }) => Promise<Reservation>
  /** One transaction: settles the reservation and writes the turn. Unknown usage charges the whole reserve. */
  answered: (
    ordinal: number,
    response: ModelResponse,
    reservation: Reservation,
  ) => Promise<{ usage: TokenUsage; cost: MicroUsd }>
  /** A call that brought no turn. `free`: the provider refused before it worked (429, 529, 4xx); `unknown`: keep the reserve charged. */
  gaveNothing: (reservation: Reservation, charge: 'free' | 'unknown', note: string) => Promise<void>
  toolsDone: (ordinal: number, results: ToolResult[]) => Promise<void>
  snapshotTaken: (ordinal: number, commit: string) => Promise<void>
  /** For people: what it is doing now. Cheap; may be dropped. */
  activity: (text: string) => void
}

export type Reservation = { id: string; amount: MicroUsd }

export type AgentLimits = {
  maxTurns: number
  /** Counted anew when another worker goes on: the journal of turns has no clock. The run has its own ceiling. */
  maxMinutes: number
  /** Tokens read from the cache are not counted: they were when they were first read. */
  maxTokens: number
  /** The same tool call with the same result this often ends the conversation. */
  maxRepetitions: number
  maxOutputTokens: number
}

export type AgentModels = { primary: string; fallback: string | null }

export type AgentTask = {
  runId: string
  address: string
  role: string
  /** A snapshot of the workspace as the agent found it, where an earlier step has changed it; otherwise the base commit. */
  startsFrom?: string
  /** Rendered from the role's prompt files. */
  system: string
  prompt: string
  models: AgentModels
  limits: AgentLimits
}

/** How a conversation ended. `submitted` is what `submit` was called with, already checked against the role's schema. */
export type AgentOutcome = {
  submitted: Record<string, unknown>
  turns: number
  usage: TokenUsage
  cost: MicroUsd
  models: string[]
}

/**
 * Runs one conversation to its end. Throws `limit_reached` (which, and what was done until then), `budget_exceeded`,
 * `malformed_output`, `stopped`, `shutting_down`, `stale_epoch`, and what the provider throws when retries are used up.
 */
export type RunAgent = (
  task: AgentTask,
  journal: AgentJournal,
  workspace: Workspace,
  signal: AbortSignal,
) => Promise<AgentOutcome>

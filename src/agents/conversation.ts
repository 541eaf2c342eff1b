import type { AiProvider } from '../plugins/ai-provider/contract.ts'
import type { Workspace } from '../workspace/contract.ts'
import type { AgentJournal, AgentOpening, AgentTask, Turn } from './contract.ts'
import type { Tool } from './tools/tool.ts'

/** Where the agents write what only operators read. The message is constant; data goes beside it. */
export type AgentLog = { info: (data: object, message: string) => void; warn: (data: object, message: string) => void }

export type RetrySettings = { maxRetries: number; maxRetryWaitSeconds: number }

/** What one conversation is made of while it runs; handed from function to function of the loop. */
export type Conversation = {
  task: AgentTask
  journal: AgentJournal
  workspace: Workspace
  /** Ends when the caller's does, or when the time is up. */
  signal: AbortSignal
  opening: AgentOpening
  /** Grows by one with each answer. */
  turns: Turn[]
  tools: Map<string, Tool>
  provider: AiProvider
  retry: RetrySettings
  commandTimeoutMs: number
  mask: (text: string) => string
  log: AgentLog
}

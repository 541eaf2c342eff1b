import type { TokenUsage } from '../../domain/money.ts'

/**
 * An AI provider answers one request of a conversation. It knows nothing of turns, money, tools or retries: those are
 * the agent's. Content blocks have the shape of Anthropic's Messages API, which is the richest; other providers translate.
 */
export type TextBlock = { type: 'text'; text: string; cache_control?: { type: 'ephemeral' } }
export type ToolUseBlock = { type: 'tool_use'; id: string; name: string; input: unknown }
export type ToolResultBlock = {
  type: 'tool_result'
  tool_use_id: string
  content: string
  is_error?: boolean
  cache_control?: { type: 'ephemeral' }
}
export type AssistantBlock =
  | TextBlock
  | ToolUseBlock
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string }
export type Message =
  | { role: 'user'; content: (TextBlock | ToolResultBlock)[] }
  | { role: 'assistant'; content: AssistantBlock[] }

/** A tool of ours (with a schema), or one of the vendor's own types (`text_editor_20250728`, `bash_20250124`). */
export type ToolDefinition =
  | { name: string; description: string; input_schema: Record<string, unknown> }
  | { type: string; name: string }

export type ModelRequest = {
  model: string
  system: TextBlock[]
  tools: ToolDefinition[]
  messages: Message[]
  maxOutputTokens: number
  /** `{ type: 'any' }` forces some tool; undefined leaves it to the model. */
  toolChoice?: { type: 'auto' | 'any' } | { type: 'tool'; name: string }
}

export type StopReason = 'end_turn' | 'tool_use' | 'max_tokens' | 'stop_sequence' | 'refusal' | 'pause_turn'

export type ModelResponse = {
  model: string
  content: AssistantBlock[]
  stopReason: StopReason
  /** null when the provider did not say; the ledger then charges the whole reserve. */
  usage: TokenUsage | null
}

export type AiProvider = {
  name: string
  /**
   * One answer, streamed inside. `onProgress` hears of it while it grows (for liveness and for people).
   * Throws JourneymanError: `rate_limited` and `overloaded` (with retryAfterMs where the provider said), `unavailable`
   * (5xx, cut stream, stall), `timeout`, `unauthenticated`, `forbidden`, `not_found` (no such model), `too_large`,
   * `invalid_input`, `stopped` (the signal; or the signal's own reason where that is a JourneymanError). Does not retry:
   * the agent does, since each try is a reservation. What is thrown says in `detail.charge` whether the provider can have
   * charged for the call: `free` (it refused, or was never reached) or `unknown`.
   *
   * Arguments of a tool that are no JSON, or over the provider's bound, come as `{ unreadable_arguments: <their beginning> }`.
   */
  complete: (
    request: ModelRequest,
    signal: AbortSignal,
    onProgress?: (event: { type: 'text' | 'tool'; name?: string }) => void,
  ) => Promise<ModelResponse>
  /** Counts the input's tokens without paying. An estimate that is never too low is allowed. */
  countTokens: (request: ModelRequest, signal: AbortSignal) => Promise<number>
  /**
   * The same without the network: what a piece of a request comes to, quickly and never too low (which is to say: for
   * prose two to three times too high). Used for reservations.
   */
  estimateTokens: (piece: Pick<ModelRequest, 'system' | 'tools' | 'messages'>) => number
  /** Resolves when the credential works; throws as `complete` does. */
  check: (signal: AbortSignal) => Promise<{ account: string }>
}

import type {
  AssistantBlock,
  Message,
  ModelRequest,
  TextBlock,
  ToolResultBlock,
} from '../plugins/ai-provider/contract.ts'
import type { AgentOpening, ToolResult, Turn } from './contract.ts'

/**
 * The request of the next turn, made from the journal alone: the same opening and turns give the same bytes, in this
 * process and in the one that resumes it, so that the provider's cache is met. Keys are put in order, because a database
 * gives JSON back in an order of its own. A request begins with the bytes of the one before it but for the cache points.
 */
export const buildRequest = (
  opening: AgentOpening,
  turns: Turn[],
  model: string,
  maxOutputTokens: number,
): ModelRequest => {
  const messages = [inOrder(opening.first), ...turns.flatMap((turn) => [answerOf(turn), resultsOf(turn)])]
  return {
    model,
    system: markLast(opening.system.map(inOrder)),
    tools: opening.tools.map(inOrder),
    messages: withCachePoints(messages),
    maxOutputTokens,
  }
}

/** What the model said, in a form that it may be sent back in. */
export const answerOf = (turn: Turn): Message => {
  const content = turn.content.map(inOrder).filter((block) => block.type !== 'text' || block.text.trim() !== '')
  const silent: AssistantBlock = { text: '(no answer)', type: 'text' }
  return { content: content.length > 0 ? content : [silent], role: 'assistant' }
}

/** What the model is told after a turn: the results of its tools, then words of the loop. */
export const resultsOf = (turn: Turn): Message => {
  const results = turn.results ?? []
  const tools = results.filter((result) => result.toolUseId !== '').map(toolResult)
  const words = results.filter((result) => result.toolUseId === '').map((result) => text(result.content))
  const content = [...tools, ...words]
  return { content: content.length > 0 ? content : [text('Go on.')], role: 'user' }
}

const toolResult = (result: ToolResult): ToolResultBlock => ({
  content: result.content,
  ...(result.isError && { is_error: true }),
  tool_use_id: result.toolUseId,
  type: 'tool_result',
})

const text = (words: string): TextBlock => ({ text: words, type: 'text' })

/**
 * Four points, which is the most that is allowed: the end of tools and system prompt (shared by all runs of a role), of the
 * first message, of the last message, and of the one before it, where the last call wrote. Without that one a turn with
 * many results would lie farther back than the provider looks.
 */
const withCachePoints = (messages: Message[]): Message[] => {
  const last = messages.length - 1
  const marked = new Set([0, last, Math.max(0, last - 2)])
  return messages.map((message, index) => {
    if (!marked.has(index) || message.role !== 'user') return message
    return { ...message, content: markLast(message.content) }
  })
}

const markLast = <Block extends TextBlock | ToolResultBlock>(blocks: Block[]): Block[] =>
  blocks.map((block, index) =>
    index === blocks.length - 1 ? { ...block, cache_control: { type: 'ephemeral' as const } } : block,
  )

/** A copy whose keys stand in alphabetical order, all the way down. */
const inOrder = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(inOrder) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return Object.fromEntries(entries.map(([key, item]) => [key, inOrder(item)])) as T
}

import { createHash, randomBytes } from 'node:crypto'
import type { ScriptedTurn } from '../contract.ts'
import { type InputUsage, tokensOf } from './prompt-cache.ts'
import type { MessageRequest } from './request-schema.ts'

export type ComposedBlock =
  | { type: 'text'; text: string; citations: null }
  | { type: 'tool_use'; id: string; name: string; input: unknown; caller: { type: 'direct' } }

export type ComposedMessage = {
  id: string
  type: 'message'
  role: 'assistant'
  model: string
  content: ComposedBlock[]
  stop_reason: string | null
  stop_sequence: string | null
  stop_details: { type: 'refusal'; category: null; explanation: null } | null
  container: null
  usage: ReturnType<typeof usageOf>
}

/**
 * The answer in the vendor's form. The ids of tool calls come from the conversation, so that the same conversation gets
 * the same answer; the message's own id is new each time.
 */
export const composeMessage = (
  turn: ScriptedTurn,
  request: MessageRequest,
  conversation: string,
  input: InputUsage,
): ComposedMessage => {
  const stop = cutAtStopSequence(turn.text ?? '', request.stop_sequences ?? [])
  const tools = stop.sequence === null ? (turn.tools ?? []) : []
  const content: ComposedBlock[] = tools.map((tool, index) => ({
    type: 'tool_use',
    id: tool.id ?? `toolu_${createHash('sha256').update(`${conversation}/${index}`).digest('hex').slice(0, 24)}`,
    name: tool.name,
    input: tool.input,
    caller: { type: 'direct' },
  }))
  if (stop.text !== '') content.unshift({ type: 'text', text: stop.text, citations: null })
  const natural = tools.length > 0 ? 'tool_use' : stop.sequence === null ? 'end_turn' : 'stop_sequence'
  const limited = limitTo(request.max_tokens, content)
  const reason = limited.cut ? 'max_tokens' : (turn.stopReason ?? natural)
  return {
    id: `msg_${randomBytes(12).toString('hex')}`,
    type: 'message',
    role: 'assistant',
    model: request.model,
    content: limited.content,
    stop_reason: reason,
    stop_sequence: reason === 'stop_sequence' ? stop.sequence : null,
    stop_details: reason === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null,
    container: null,
    usage: usageOf(input, outputTokensOf(limited.content)),
  }
}

const usageOf = (input: InputUsage, outputTokens: number) => ({
  input_tokens: input.input,
  cache_creation_input_tokens: input.cacheWrite,
  cache_read_input_tokens: input.cacheRead,
  cache_creation: { ephemeral_5m_input_tokens: input.cacheWrite, ephemeral_1h_input_tokens: 0 },
  output_tokens: outputTokens,
  service_tier: 'standard' as const,
  server_tool_use: null,
  inference_geo: null,
})

const bytesOf = (block: ComposedBlock): number =>
  Buffer.byteLength(block.type === 'text' ? block.text : block.name + JSON.stringify(block.input))

const outputTokensOf = (content: ComposedBlock[]): number =>
  Math.max(1, tokensOf(content.reduce((sum, block) => sum + bytesOf(block), 0)))

/** What would be longer than `max_tokens` ends there: text in the middle, a tool call as a whole. */
const limitTo = (maxTokens: number, content: ComposedBlock[]): { content: ComposedBlock[]; cut: boolean } => {
  let left = Math.floor(maxTokens * 3.6)
  const kept: ComposedBlock[] = []
  for (const block of content) {
    const bytes = bytesOf(block)
    if (bytes > left) {
      if (block.type === 'text' && left > 0) kept.push({ ...block, text: firstBytes(block.text, left) })
      return { content: kept, cut: true }
    }
    left -= bytes
    kept.push(block)
  }
  return { content: kept, cut: false }
}

/** A character that was cut in two is left out. */
const firstBytes = (text: string, bytes: number): string =>
  Buffer.from(text)
    .subarray(0, bytes)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')

const cutAtStopSequence = (text: string, sequences: string[]): { text: string; sequence: string | null } => {
  const found = sequences
    .map((sequence) => ({ sequence, at: text.indexOf(sequence) }))
    .filter(({ at }) => at !== -1)
    .toSorted((a, b) => a.at - b.at)[0]
  return found ? { text: text.slice(0, found.at), sequence: found.sequence } : { text, sequence: null }
}

import { z } from 'zod'
import type { TokenUsage } from '../../../domain/money.ts'
import type { AssistantBlock, ModelResponse, StopReason } from '../contract.ts'
import { errorOfEvent, providerError } from './classify-error.ts'

/** One server-sent event as it came. */
type RawEvent = { event: string | null; data: string }

/** More than any model answers in one turn; what is over it comes from something that is broken. */
const maxArgumentBytes = 256 * 1024
const maxAnswerBytes = 4 * 1024 * 1024
const maxBlocks = 200

/**
 * Puts an answer together from its events. Only the fields that are read are parsed; events and blocks of kinds that are
 * not known are passed over, as the vendor asks. Throws `unavailable` when the stream ends before `message_stop`.
 */
export const readAnswer = async (
  events: AsyncIterable<RawEvent>,
  heard: (event: { type: 'text' | 'tool'; name?: string } | null) => void,
): Promise<ModelResponse> => {
  const answer: Draft = { model: null, blocks: new Map(), stopReason: null, usage: null, outputKnown: false, bytes: 0 }
  const iterator = events[Symbol.asyncIterator]()
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    const raw = next.value
    answer.bytes += raw.data.length
    if (answer.bytes > maxAnswerBytes) throw broken(`the answer is larger than ${maxAnswerBytes} bytes`)
    if (raw.event === 'error') throw errorOfEvent(parseJson(raw.data))
    const event = parseEvent(raw)
    heard(event === null ? null : take(answer, event))
    if (event?.type === 'message_stop') {
      await readToTheEnd(iterator)
      return finish(answer)
    }
  }
  throw broken('the connection was closed before the answer was complete')
}

/** A stream that was read to its end leaves its connection to the next call. Whoever does not close it is not waited for. */
const readToTheEnd = async (iterator: AsyncIterator<RawEvent>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<{ done: true }>((resolve) => {
    timer = setTimeout(() => resolve({ done: true }), 100)
  })
  const rest = async (): Promise<{ done?: boolean }> => {
    for (let events = 0; events < 10; events++) if ((await iterator.next()).done) break
    return { done: true }
  }
  await Promise.race([rest().catch(() => null), patience])
  clearTimeout(timer)
}

const broken = (saying: string) => providerError('unavailable', 'unknown', saying)

const count = z.int().nonnegative().nullish()
const usageSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
})
const eventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message_start'),
    message: z.object({ model: z.string(), usage: usageSchema.nullish().catch(null) }),
  }),
  z.object({
    type: z.literal('content_block_start'),
    index: z.int().nonnegative(),
    content_block: z.looseObject({ type: z.string() }),
  }),
  z.object({
    type: z.literal('content_block_delta'),
    index: z.int().nonnegative(),
    delta: z.looseObject({ type: z.string() }),
  }),
  z.object({
    type: z.literal('message_delta'),
    delta: z.object({ stop_reason: z.string().nullish() }),
    usage: usageSchema.nullish().catch(null),
  }),
  z.object({ type: z.literal('message_stop') }),
])
type StreamEvent = z.infer<typeof eventSchema>

const known = new Set(['message_start', 'content_block_start', 'content_block_delta', 'message_delta', 'message_stop'])

const parseEvent = (raw: RawEvent): StreamEvent | null => {
  if (raw.event === null || !known.has(raw.event)) return null
  const parsed = eventSchema.safeParse(parseJson(raw.data))
  if (!parsed.success) throw broken(`a "${raw.event}" event of the answer cannot be read`)
  return parsed.data
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A block while it grows. `json` are the arguments of a tool; `lost` counts what went over the bound. */
type Growing = { block: AssistantBlock; json: string; lost: number }
type Draft = {
  model: string | null
  blocks: Map<number, Growing>
  stopReason: string | null
  usage: TokenUsage | null
  outputKnown: boolean
  bytes: number
}

const take = (answer: Draft, event: StreamEvent): { type: 'text' | 'tool'; name?: string } | null => {
  if (event.type === 'message_start') {
    answer.model = event.message.model
    addUsageOf(answer, event.message.usage, false)
  } else if (event.type === 'content_block_start') {
    const block = beginBlock(event.content_block)
    if (block && answer.blocks.size >= maxBlocks) throw broken(`the answer has more than ${maxBlocks} blocks`)
    if (block) answer.blocks.set(event.index, { block, json: '', lost: 0 })
    return block?.type === 'tool_use' ? { type: 'tool', name: block.name } : null
  } else if (event.type === 'content_block_delta') {
    const growing = answer.blocks.get(event.index)
    if (growing) grow(growing, event.delta)
    return growing?.block.type === 'text' ? { type: 'text' } : null
  } else if (event.type === 'message_delta') {
    if (event.delta.stop_reason) answer.stopReason = event.delta.stop_reason
    addUsageOf(answer, event.usage, true)
  }
  return null
}

/** The counts of `message_delta` are totals, and newer than those of `message_start`. */
const addUsageOf = (answer: Draft, usage: z.infer<typeof usageSchema> | null | undefined, last: boolean): void => {
  if (!usage) return
  const before = answer.usage
  if (before === null && typeof usage.input_tokens !== 'number') return
  answer.usage = {
    input: usage.input_tokens ?? before?.input ?? 0,
    output: usage.output_tokens ?? before?.output ?? 0,
    cacheRead: usage.cache_read_input_tokens ?? before?.cacheRead ?? 0,
    cacheWrite: usage.cache_creation_input_tokens ?? before?.cacheWrite ?? 0,
  }
  if (last && typeof usage.output_tokens === 'number') answer.outputKnown = true
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const beginBlock = (block: Record<string, unknown>): AssistantBlock | null => {
  if (block['type'] === 'text') return { type: 'text', text: text(block['text']) }
  if (block['type'] === 'tool_use') {
    return { type: 'tool_use', id: text(block['id']), name: text(block['name']), input: block['input'] ?? {} }
  }
  if (block['type'] === 'thinking') {
    return { type: 'thinking', thinking: text(block['thinking']), signature: text(block['signature']) }
  }
  if (block['type'] === 'redacted_thinking') return { type: 'redacted_thinking', data: text(block['data']) }
  return null
}

const grow = (growing: Growing, delta: Record<string, unknown>): void => {
  const { block } = growing
  if (block.type === 'text' && delta['type'] === 'text_delta') block.text += text(delta['text'])
  else if (block.type === 'thinking' && delta['type'] === 'thinking_delta') block.thinking += text(delta['thinking'])
  else if (block.type === 'thinking' && delta['type'] === 'signature_delta') block.signature += text(delta['signature'])
  else if (block.type === 'tool_use' && delta['type'] === 'input_json_delta') {
    const more = text(delta['partial_json'])
    if (growing.json.length + more.length > maxArgumentBytes) growing.lost += more.length
    else growing.json += more
  }
}

const stopReasons: ReadonlySet<string> = new Set<StopReason>([
  'end_turn',
  'tool_use',
  'max_tokens',
  'stop_sequence',
  'refusal',
  'pause_turn',
])

const finish = (answer: Draft): ModelResponse => {
  if (answer.model === null) throw broken('the answer has no beginning')
  if (answer.stopReason === null) throw broken('the answer does not say why it ended')
  const content = [...answer.blocks.entries()].sort(([a], [b]) => a - b).map(([, growing]) => finishBlock(growing))
  // A reason to stop that is not known yet (a full context window, say) is most like an answer that was cut off.
  const stopReason = stopReasons.has(answer.stopReason) ? (answer.stopReason as StopReason) : 'max_tokens'
  return { model: answer.model, content, stopReason, usage: answer.outputKnown ? answer.usage : null }
}

const finishBlock = ({ block, json, lost }: Growing): AssistantBlock => {
  if (block.type !== 'tool_use') return block
  if (json === '' && lost === 0) return isObject(block.input) ? block : unreadable(block, String(block.input))
  const input = lost === 0 ? parseJson(json) : undefined
  return isObject(input) ? { ...block, input } : unreadable(block, json)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const unreadable = (block: AssistantBlock & { type: 'tool_use' }, json: string): AssistantBlock => ({
  ...block,
  input: { unreadable_arguments: json.slice(0, 1000) },
})

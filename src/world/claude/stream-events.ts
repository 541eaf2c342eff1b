import type { ComposedBlock, ComposedMessage } from './compose-message.ts'

export type StreamEvent = { type: string } & Record<string, unknown>

/** The events of one streamed answer, in the vendor's order. Without usage when a fault wants it so. */
export const streamEvents = (message: ComposedMessage, options: { usage: boolean }): StreamEvent[] => {
  const events: StreamEvent[] = [
    {
      type: 'message_start',
      message: withoutUsage(
        { ...message, content: [], stop_reason: null, stop_sequence: null, stop_details: null, usage: early(message) },
        options.usage,
      ),
    },
  ]
  message.content.forEach((block, index) => {
    events.push({ type: 'content_block_start', index, content_block: emptied(block) })
    if (index === 0) events.push({ type: 'ping' })
    for (const delta of deltasOf(block)) events.push({ type: 'content_block_delta', index, delta })
    events.push({ type: 'content_block_stop', index })
  })
  const { stop_reason, stop_sequence, stop_details, container, usage } = message
  const delta = { stop_reason, stop_sequence, stop_details, container }
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens, server_tool_use } = usage
  const total = { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens, server_tool_use }
  events.push(withoutUsage({ type: 'message_delta', delta, usage: total }, options.usage), { type: 'message_stop' })
  return events
}

export const encodeEvent = (event: StreamEvent): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

/** At the start the vendor knows the input's usage, and of the output a token or so. */
const early = (message: ComposedMessage) => ({
  ...message.usage,
  output_tokens: Math.min(1, message.usage.output_tokens),
})

export const withoutUsage = <Value extends { usage: unknown }>(value: Value, keep: boolean): Value => {
  if (keep) return value
  const { usage: _left, ...rest } = value
  return rest as Value
}

const emptied = (block: ComposedBlock) => (block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} })

const deltasOf = (block: ComposedBlock) =>
  block.type === 'text'
    ? pieces(block.text).map((text) => ({ type: 'text_delta', text }))
    : // The vendor opens a tool's input with an empty piece, and splits the rest wherever it likes.
      ['', ...pieces(JSON.stringify(block.input))].map((partial_json) => ({ type: 'input_json_delta', partial_json }))

const pieceLength = 40

const pieces = (text: string): string[] => {
  const characters = Array.from(text)
  const parts: string[] = []
  for (let at = 0; at < characters.length; at += pieceLength) {
    parts.push(characters.slice(at, at + pieceLength).join(''))
  }
  return parts
}

import { createHash } from 'node:crypto'
import type { ScriptRequest } from '../contract.ts'
import type { MessageRequest, RequestBlock } from './request-schema.ts'
import { turnsOf } from './rules.ts'

/** What tells one conversation from another: its words. Model, tools, limits and cache points do not count. */
export const conversationOf = (request: MessageRequest): string =>
  createHash('sha256')
    .update(
      JSON.stringify([systemOf(request), turnsOf(request)], (key, value) =>
        key === 'cache_control' ? undefined : value,
      ),
    )
    .digest('hex')

export const scriptRequestOf = (request: MessageRequest, repeat: number): ScriptRequest => {
  const turns = turnsOf(request)
  return {
    model: request.model,
    system: systemOf(request),
    turn: turns.filter((turn) => turn.role === 'assistant').length,
    repeat,
    firstMessage: textOf(turns[0]?.blocks ?? []),
    lastToolResults: lastToolResults(turns.at(-2)?.blocks ?? [], turns.at(-1)?.blocks ?? []),
    tools: (request.tools ?? []).map((tool) => ({
      name: tool.name,
      inputSchema: 'input_schema' in tool ? (tool.input_schema as Record<string, unknown>) : null,
    })),
    messages: request.messages,
  }
}

const systemOf = (request: MessageRequest): string =>
  typeof request.system === 'string' ? request.system : (request.system ?? []).map((block) => block.text).join('\n')

const textOf = (blocks: { type: string; text?: unknown }[]): string =>
  blocks.flatMap((block) => (block.type === 'text' ? [String(block.text)] : [])).join('\n')

const lastToolResults = (asked: RequestBlock[], given: RequestBlock[]): ScriptRequest['lastToolResults'] =>
  given.flatMap((block) => {
    if (block.type !== 'tool_result') return []
    const use = asked.find((candidate) => candidate.type === 'tool_use' && candidate.id === block.tool_use_id)
    const content = typeof block.content === 'string' ? block.content : textOf(block.content ?? [])
    return [{ name: use?.type === 'tool_use' ? use.name : '', content, isError: block.is_error ?? false }]
  })

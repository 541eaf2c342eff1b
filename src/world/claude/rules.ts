import { findModel } from './models.ts'
import type { CountRequest, MessageRequest, RequestBlock } from './request-schema.ts'

/** What the vendor says no to, although the shape is right. Null when there is nothing to say. */
export const breachOf = (request: CountRequest | MessageRequest, inputTokens: number): string | null =>
  breachOfTools(request) ??
  breachOfCaching(request) ??
  breachOfText(request) ??
  breachOfOrder(request) ??
  breachOfSizes(request, inputTokens)

type Turn = { role: 'user' | 'assistant'; blocks: RequestBlock[]; index: number }

/** The turns as the vendor sees them: text as one block, neighbours of one role as one turn. */
export const turnsOf = (request: CountRequest): Turn[] => {
  const turns: Turn[] = []
  request.messages.forEach((message, index) => {
    const blocks: RequestBlock[] =
      typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content
    const last = turns.at(-1)
    if (last?.role === message.role) last.blocks.push(...blocks)
    else turns.push({ role: message.role, blocks: [...blocks], index })
  })
  return turns
}

const breachOfTools = (request: CountRequest): string | null => {
  const names = (request.tools ?? []).map((tool) => tool.name)
  if (new Set(names).size !== names.length) return 'tools: Tool names must be unique.'
  const choice = request.tool_choice
  if (choice && names.length === 0) return 'tool_choice: may only be specified while providing tools'
  if (choice?.type === 'tool' && !names.includes(choice.name)) {
    return `tool_choice.name: Tool '${choice.name}' not found in provided tools`
  }
  const used = turnsOf(request).some((turn) => turn.blocks.some((block) => block.type.startsWith('tool_')))
  if (used && names.length === 0) {
    return 'Requests which have `tool_use` or `tool_result` blocks in messages must define tools.'
  }
  return null
}

const breachOfCaching = (request: CountRequest): string | null => {
  const marks = cacheMarks(request)
  if (marks.length > 4) {
    return `A maximum of 4 blocks with cache_control may be provided. Found ${marks.length}.`
  }
  const firstShort = marks.findIndex((ttl) => ttl !== '1h')
  if (firstShort !== -1 && marks.slice(firstShort).includes('1h')) {
    return 'cache_control: a ttl=1h block must not come after a ttl=5m block'
  }
  return null
}

type Cacheable = { cache_control?: { ttl?: '5m' | '1h' | undefined } | null | undefined }

const cacheMarks = (request: CountRequest): string[] => {
  const system = typeof request.system === 'string' ? [] : (request.system ?? [])
  const blocks: object[] = [...(request.tools ?? []), ...system, ...turnsOf(request).flatMap((turn) => turn.blocks)]
  const marks = [...blocks, request].map((block) => (block as Cacheable).cache_control)
  return marks.filter((mark) => mark !== null && mark !== undefined).map((mark) => mark.ttl ?? '5m')
}

const breachOfText = (request: CountRequest): string | null => {
  if (Array.isArray(request.system) && request.system.some((block) => block.text === '')) {
    return 'system: text content blocks must be non-empty'
  }
  for (const [index, message] of request.messages.entries()) {
    if (message.content.length === 0) {
      return `messages.${index}: all messages must have non-empty content except for the optional final assistant message`
    }
    if (typeof message.content === 'string') continue
    for (const block of message.content) {
      if (block.type !== 'text') continue
      if (block.text === '') return 'messages: text content blocks must be non-empty'
      if (block.text.trim() === '') return 'messages: text content blocks must contain non-whitespace text'
    }
  }
  return null
}

const breachOfOrder = (request: CountRequest): string | null => {
  const turns = turnsOf(request)
  if (turns[0]?.role !== 'user') return 'messages: first message must use the "user" role'
  if (turns.at(-1)?.role !== 'user') {
    return 'This model does not support assistant message prefill. The conversation must end with a user message.'
  }
  const seen = new Set<string>()
  for (const [position, turn] of turns.entries()) {
    const breach = breachOfTurn(turn, turns[position - 1], turns[position + 1], seen)
    if (breach) return breach
  }
  return null
}

const breachOfTurn = (
  turn: Turn,
  before: Turn | undefined,
  after: Turn | undefined,
  seen: Set<string>,
): string | null => {
  const foreign = turn.role === 'user' ? ['tool_use', 'thinking', 'redacted_thinking'] : ['tool_result', 'image']
  const misplaced = turn.blocks.find((block) => foreign.includes(block.type))
  if (misplaced) {
    return `messages.${turn.index}: \`${misplaced.type}\` blocks can not be in \`${turn.role}\` messages`
  }
  if (turn.role === 'user') return breachOfResults(turn, before)
  const uses = turn.blocks.filter((block) => block.type === 'tool_use').map((block) => block.id)
  for (const id of uses) {
    if (seen.has(id)) return 'messages: `tool_use` ids must be unique'
    seen.add(id)
  }
  const answered = leadingResults(after)
  const open = uses.filter((id) => !answered.includes(id))
  if (open.length === 0) return null
  return (
    `messages.${turn.index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
    `${open.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`
  )
}

/** Results come first in a turn; what stands behind other content does not count as an answer. */
const leadingResults = (turn: Turn | undefined): string[] => {
  const ids: string[] = []
  for (const block of turn?.blocks ?? []) {
    if (block.type !== 'tool_result') break
    ids.push(block.tool_use_id)
  }
  return ids
}

const breachOfResults = (turn: Turn, before: Turn | undefined): string | null => {
  const asked = (before?.blocks ?? []).filter((block) => block.type === 'tool_use').map((block) => block.id)
  const given = turn.blocks.filter((block) => block.type === 'tool_result').map((block) => block.tool_use_id)
  const unknown = given.find((id) => !asked.includes(id))
  if (unknown !== undefined) {
    return (
      `messages.${turn.index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${unknown}. ` +
      'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.'
    )
  }
  const twice = given.find((id, index) => given.indexOf(id) !== index)
  if (twice === undefined) return null
  return `messages.${turn.index}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${twice}`
}

const breachOfSizes = (request: CountRequest | MessageRequest, inputTokens: number): string | null => {
  const model = findModel(request.model)
  if (!model) return null
  if ('max_tokens' in request && request.max_tokens > model.maxOutputTokens) {
    return (
      `max_tokens: ${request.max_tokens} > ${model.maxOutputTokens}, which is the maximum allowed number of output ` +
      `tokens for ${request.model}`
    )
  }
  if (inputTokens > model.contextTokens) {
    return `prompt is too long: ${inputTokens} tokens > ${model.contextTokens} maximum`
  }
  return null
}

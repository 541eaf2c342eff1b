import type { ServerResponse } from 'node:http'
import type { ScriptedTurn, WorldClaude } from '../contract.ts'
import { type Accepted, acceptRequest } from './accept-request.ts'
import { composeMessage } from './compose-message.ts'
import { errorBody, errorTypeOf } from './error-body.ts'
import type { ClaudeOptions, Exchange } from './exchange.ts'
import { createPromptCache, type PromptCache } from './prompt-cache.ts'
import { countRequest, type MessageRequest, messageRequest } from './request-schema.ts'
import { conversationOf, scriptRequestOf } from './script-request.ts'
import { sendAnswer } from './send-answer.ts'

/** The two routes that read a prompt. They share one cache; counting tokens leaves it as it is. */
export const createMessageRoutes = (claude: WorldClaude, options: ClaudeOptions, closing: AbortSignal) => {
  const cache: PromptCache = createPromptCache()
  const askedBefore = new Map<string, number>()

  const answerMessage = async (exchange: Exchange): Promise<void> => {
    claude.calls += 1
    const accepted = acceptRequest(exchange, messageRequest, cache, options.validateRequest)
    if (!accepted) return
    const conversation = conversationOf(accepted.request)
    const repeat = askedBefore.get(conversation) ?? 0
    askedBefore.set(conversation, repeat + 1)
    const turn = await askScript(claude, exchange, accepted.request, repeat)
    if (!turn) return
    if (turn.fault?.kind === 'status') return sendFault(exchange, turn.fault)
    await answer(claude, exchange, accepted, turn, conversation, closing)
  }

  const answerCount = (exchange: Exchange): void => {
    const accepted = acceptRequest(exchange, countRequest, cache, options.validateRequest)
    if (accepted) exchange.send(200, { input_tokens: accepted.plan.total })
  }

  const forget = (): void => {
    cache.forget()
    askedBefore.clear()
  }

  return { answerMessage, answerCount, forget }
}

const answer = async (
  claude: WorldClaude,
  exchange: Exchange,
  { request, plan }: Accepted<MessageRequest>,
  turn: ScriptedTurn,
  conversation: string,
  closing: AbortSignal,
): Promise<void> => {
  plan.commit()
  const message = composeMessage(turn, request, conversation, plan.usage)
  exchange.validate(200, message)
  const usage = { ...plan.usage, output: message.usage.output_tokens }
  await sendAnswer(message, request.stream === true, {
    response: exchange.response,
    fault: turn.fault,
    paceMs: claude.pace,
    signal: AbortSignal.any([closing, goneSignal(exchange.response)]),
    answered: () => claude.answered.push({ model: request.model, turn: scriptRequestOf(request, 0).turn, usage }),
  })
}

/** A script that throws, or answers what its request rules out, is a defect of the test: noted and answered with 500. */
const askScript = async (
  claude: WorldClaude,
  exchange: Exchange,
  request: MessageRequest,
  repeat: number,
): Promise<ScriptedTurn | null> => {
  const fail = (reason: string) => {
    exchange.violate('response', `The script failed: ${reason}`)
    exchange.refuse(500, `The script failed: ${reason}`)
    return null
  }
  try {
    const turn = await claude.script(scriptRequestOf(request, repeat))
    const breach = turn.fault ? null : breachOfToolChoice(request, turn)
    return breach === null ? turn : fail(breach)
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

const breachOfToolChoice = (request: MessageRequest, turn: ScriptedTurn): string | null => {
  const called = turn.tools ?? []
  const choice = request.tool_choice
  if (choice === undefined) return null
  if (choice.type === 'none' && called.length > 0) return 'it calls a tool although tool_choice is none'
  if (choice.type === 'any' && called.length === 0) return 'it calls no tool although tool_choice is any'
  if (choice.type === 'tool' && !called.some((tool) => tool.name === choice.name)) {
    return `it does not call ${choice.name} although tool_choice names it`
  }
  const single = choice.type !== 'none' && choice.disable_parallel_tool_use === true
  return single && called.length > 1 ? 'it calls several tools although disable_parallel_tool_use is set' : null
}

const sendFault = (
  exchange: Exchange,
  { status, type, retryAfter }: { status: number; type?: string; retryAfter?: string },
): void =>
  exchange.send(
    status,
    errorBody(type ?? errorTypeOf(status), `A scripted failure: ${status}`),
    retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  )

const goneSignal = (response: ServerResponse): AbortSignal => {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return gone.signal
}

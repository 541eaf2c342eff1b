import { sleep } from '../domain/clock.ts'
import { crashPoint } from '../domain/crash-point.ts'
import { codeOf, type ErrorCode, failureOf, isRetryable, JourneymanError } from '../domain/errors.ts'
import type { Message } from '../plugins/ai-provider/contract.ts'
import { answerOf, buildRequest, resultsOf } from './build-request.ts'
import type { Reservation, Turn } from './contract.ts'
import type { Conversation } from './conversation.ts'
import { tidyResponse } from './tidy-response.ts'

/**
 * Asks for the next turn until it has one, and journals it. Each try has its own reservation. What may be retried is, with
 * full jitter, as often as the settings say; then the fallback model takes over for the rest of the conversation, with as
 * many tries; then the error goes up, with `retryAfterMs` where the provider gave one that is longer than we wait here.
 */
export const callModel = async (conversation: Conversation): Promise<Turn> => {
  let failure: unknown
  for (const model of modelsLeft(conversation)) {
    const tried = await tryModel(conversation, model)
    if ('turn' in tried) return tried.turn
    failure = tried.failure
    conversation.log.warn({ runId: conversation.task.runId, model, failure: failureOf(failure) }, 'model given up')
  }
  throw failure
}

const modelsLeft = ({ task, turns }: Conversation): string[] => {
  const { primary, fallback } = task.models
  if (fallback === null || fallback === primary) return [primary]
  return turns.at(-1)?.model === fallback ? [fallback] : [primary, fallback]
}

/** What another try of the same model cannot mend, but another model may. */
const givesUpModel: ReadonlySet<ErrorCode> = new Set(['not_found'])

const tryModel = async (
  conversation: Conversation,
  model: string,
): Promise<{ turn: Turn } | { failure: JourneymanError }> => {
  for (let tries = 0; ; tries++) {
    const tried = await tryOnce(conversation, model)
    if ('turn' in tried) return tried
    const failure = tried.failure
    if (givesUpModel.has(failure.code)) return tried
    if (!isRetryable(failure.code)) throw failure
    const waitMs = waitBefore(tries, failure.retryAfterMs, conversation)
    if (waitMs === null) return tried
    const { code } = failure
    conversation.log.info({ runId: conversation.task.runId, model, code, tries, waitMs }, 'model call failed')
    conversation.journal.activity(`waiting ${Math.ceil(waitMs / 1000)} s for the model (${code.replaceAll('_', ' ')})`)
    await sleep(waitMs, conversation.signal)
  }
}

const firstWaitMs = 1000

/** Milliseconds until the next try; null when there is none, or when the provider asks for more patience than is allowed. */
const waitBefore = (tries: number, retryAfterMs: number | undefined, { retry }: Conversation): number | null => {
  if (tries >= retry.maxRetries) return null
  const longestMs = retry.maxRetryWaitSeconds * 1000
  const jitter = Math.random()
  if (retryAfterMs === undefined) return jitter * Math.min(longestMs, firstWaitMs * 2 ** tries)
  return retryAfterMs > longestMs ? null : retryAfterMs + jitter * Math.min(250, longestMs)
}

const tryOnce = async (
  conversation: Conversation,
  model: string,
): Promise<{ turn: Turn } | { failure: JourneymanError }> => {
  const { journal, task, turns, opening, provider, signal } = conversation
  const ordinal = turns.length
  const request = buildRequest(opening, turns, model, task.limits.maxOutputTokens)
  const reservation = await journal.reserve({
    ordinal,
    model,
    inputTokens: estimateInput(conversation, model),
    maxOutputTokens: request.maxOutputTokens,
  })
  crashPoint('model.before')
  const answered = await provider.complete(request, signal).catch((error: unknown) => ({ error }))
  if ('error' in answered) return { failure: await giveBack(conversation, reservation, answered.error) }
  crashPoint('model.after')
  const response = tidyResponse(answered, model, ordinal)
  const paid = await journal.answered(ordinal, response, reservation)
  const { content, stopReason } = response
  return { turn: { ordinal, model, content, stopReason, results: null, snapshot: null, ...paid } }
}

/** The most that the input can come to: what the last call was charged for, and what has been added since. */
const estimateInput = ({ provider, opening, turns, task }: Conversation, model: string): number => {
  const last = turns.at(-1)
  const before = last ? last.usage.input + last.usage.cacheRead + last.usage.cacheWrite : 0
  if (!last || last.model !== model || before === 0) {
    return provider.estimateTokens(buildRequest(opening, turns, model, task.limits.maxOutputTokens))
  }
  const estimate = (message: Message) => provider.estimateTokens({ system: [], tools: [], messages: [message] })
  return before + Math.max(last.usage.output, estimate(answerOf(last))) + estimate(resultsOf(last))
}

/** Refused before any work was done: nothing is owed. The provider's own word goes before this list. */
const refusedCodes: ReadonlySet<ErrorCode> = new Set([
  'rate_limited',
  'overloaded',
  'unauthenticated',
  'forbidden',
  'not_found',
  'too_large',
  'invalid_input',
])

const giveBack = async (
  { journal }: Conversation,
  reservation: Reservation,
  error: unknown,
): Promise<JourneymanError> => {
  const failure = failureOf(error)
  const said = failure.detail?.['charge']
  const charge = said === 'free' || said === 'unknown' ? said : refusedCodes.has(codeOf(error)) ? 'free' : 'unknown'
  await journal.gaveNothing(reservation, charge, `${failure.code}: ${failure.message}`.slice(0, 500))
  return error instanceof JourneymanError ? error : new JourneymanError('internal', failure.message, { cause: error })
}

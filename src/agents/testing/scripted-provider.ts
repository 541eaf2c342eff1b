import type { JourneymanError } from '../../domain/errors.ts'
import type { AiProvider, AssistantBlock, ModelRequest, ModelResponse } from '../../plugins/ai-provider/contract.ts'

export type ScriptedAnswer =
  | {
      text?: string
      calls?: { name: string; input: unknown }[]
      stopReason?: ModelResponse['stopReason']
      usage?: null
    }
  | { error: JourneymanError }

/** A model that answers by a script of the turn and the try; the same conversation gets the same answer. Keeps what it was asked. */
export const scriptedProvider = (
  script: (turn: number, request: ModelRequest, repeat: number) => ScriptedAnswer | Promise<ScriptedAnswer>,
): AiProvider & { requests: ModelRequest[] } => {
  const requests: ModelRequest[] = []
  const asked = new Map<number, number>()
  return {
    name: 'scripted',
    requests,
    complete: async (request, signal) => {
      signal.throwIfAborted()
      requests.push(structuredClone(request))
      const turn = request.messages.filter((message) => message.role === 'assistant').length
      const repeat = asked.get(turn) ?? 0
      asked.set(turn, repeat + 1)
      const answer = await script(turn, request, repeat)
      signal.throwIfAborted()
      if ('error' in answer) throw answer.error
      return responseOf(answer, turn, request)
    },
    countTokens: async () => 1,
    estimateTokens: (piece) => JSON.stringify(piece).length,
    check: async () => ({ account: 'scripted' }),
  }
}

const responseOf = (
  answer: Exclude<ScriptedAnswer, { error: unknown }>,
  turn: number,
  request: ModelRequest,
): ModelResponse => {
  const calls = answer.calls ?? []
  const content: AssistantBlock[] = answer.text ? [{ type: 'text', text: answer.text }] : []
  calls.forEach((call, index) => void content.push({ type: 'tool_use', id: `toolu_${turn}_${index}`, ...call }))
  const input = Math.ceil(JSON.stringify(request.messages).length / 4)
  return {
    model: `${request.model}-20260101`,
    content,
    stopReason: answer.stopReason ?? (calls.length > 0 ? 'tool_use' : 'end_turn'),
    usage: answer.usage === null ? null : { input, output: 20, cacheRead: 0, cacheWrite: 0 },
  }
}

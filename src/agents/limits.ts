import { JourneymanError } from '../domain/errors.ts'
import { addUsage, noUsage, type TokenUsage } from '../domain/money.ts'
import type { AgentLimits, Turn } from './contract.ts'
import { repetitions } from './repetition.ts'
import { toolCallsOf } from './run-tools.ts'
import { whatWasDone } from './what-was-done.ts'

/** At this share of tokens and time the model is told to come to an end; at the whole it is ended. */
const warnAt = 0.85
const maxAnswersWithoutTool = 3

export const usageOf = (turns: Turn[]): TokenUsage => turns.reduce((sum, turn) => addUsage(sum, turn.usage), noUsage)

/** What has been read from the cache was counted when it was first read. */
const tokensOf = (turns: Turn[]): number => {
  const { input, output, cacheWrite } = usageOf(turns)
  return input + output + cacheWrite
}

/** Throws `limit_reached` or `malformed_output` when no further turn may be asked for. Reads the journal's turns only. */
export const endIfOver = (turns: Turn[], limits: AgentLimits, role: string): void => {
  const last = turns.at(-1)
  if (!last) return
  if (last.stopReason === 'refusal') {
    throw new JourneymanError('malformed_output', `The model declined to go on. ${whatWasDone(turns)}`, {
      nextAction: 'Reword the ticket, or choose another model, and try again.',
    })
  }
  if (answersWithoutTool(turns) >= maxAnswersWithoutTool) {
    throw new JourneymanError(
      'malformed_output',
      `The ${role} agent answered ${maxAnswersWithoutTool} times without working or submitting. ${whatWasDone(turns)}`,
      { nextAction: 'Say in the ticket what the result should be, and try again.' },
    )
  }
  if (turns.length >= limits.maxTurns) throw limitReached('turns', `${limits.maxTurns} turns`, turns, role)
  if (tokensOf(turns) >= limits.maxTokens) throw limitReached('tokens', `${limits.maxTokens} tokens`, turns, role)
  const { count, call } = repetitions(turns)
  if (count >= limits.maxRepetitions) {
    throw limitReached('repetition', `${count} times the same call of ${call} with the same result`, turns, role)
  }
}

export const limitReached = (
  limit: 'turns' | 'minutes' | 'tokens' | 'repetition',
  reached: string,
  turns: Turn[],
  role: string,
): JourneymanError =>
  new JourneymanError('limit_reached', `The ${role} agent was ended at its limit: ${reached}. ${whatWasDone(turns)}`, {
    nextAction: `Split the ticket into smaller ones, or raise \`agents.${role}\` in the configuration, and try again.`,
    detail: { limit, turns: turns.length },
  })

const answersWithoutTool = (turns: Turn[]): number => {
  const last = turns.findLastIndex((turn) => toolCallsOf(turn).length > 0)
  return turns.length - 1 - last
}

/** What the model is told after a turn, beside the results of its tools. Kept in the journal, so that it stays the same. */
export const wordsAfter = (turns: Turn[], limits: AgentLimits, timeUsed: number): string[] => {
  const last = turns.at(-1) as Turn
  return [
    afterSilence(last),
    afterCut(last),
    beforeRepetition(turns, limits),
    beforeTheEnd(turns, limits, timeUsed),
  ].filter((words) => words !== null)
}

const afterSilence = (turn: Turn): string | null => {
  if (toolCallsOf(turn).length > 0 || turn.stopReason === 'max_tokens') return null
  return turn.stopReason === 'pause_turn'
    ? 'Go on.'
    : 'You have not called a tool. Nobody reads plain answers: go on with the work, or hand it in with `submit`.'
}

const afterCut = (turn: Turn): string | null =>
  turn.stopReason === 'max_tokens'
    ? 'Your answer was cut off at the limit of one answer. Go on in smaller pieces: write long files in several calls.'
    : null

const beforeRepetition = (turns: Turn[], limits: AgentLimits): string | null => {
  const { count, call } = repetitions(turns)
  return count > 1 && count === limits.maxRepetitions - 1
    ? `You have made the same call of ${call} ${count} times, with the same result. Do something else, or submit what is done.`
    : null
}

const beforeTheEnd = (turns: Turn[], limits: AgentLimits, timeUsed: number): string | null => {
  const last = 'Call `submit` now, with what is done, and name the rest in not_done.'
  if (turns.length === limits.maxTurns - 1) return `You have one turn left. ${last}`
  if (timeUsed >= warnAt) return `Your time is nearly up. ${last}`
  if (tokensOf(turns) >= warnAt * limits.maxTokens) return `Your tokens are nearly used up. ${last}`
  return null
}

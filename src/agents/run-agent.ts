import { codeOf, JourneymanError } from '../domain/errors.ts'
import { storableText } from '../domain/storable-text.ts'
import type { AiProvider } from '../plugins/ai-provider/contract.ts'
import { callModel } from './call-model.ts'
import type { AgentOpening, AgentOutcome, AgentTask, RunAgent, Turn } from './contract.ts'
import type { AgentLog, Conversation, RetrySettings } from './conversation.ts'
import { endIfOver, limitReached, usageOf } from './limits.ts'
import { createMask } from './mask-secrets.ts'
import { resume } from './resume.ts'
import type { AgentRole } from './role.ts'
import { toolCallsOf } from './run-tools.ts'
import { submitName } from './tools/submit.ts'
import type { Tool } from './tools/tool.ts'
import { finishTools, recordSnapshot } from './turn.ts'
import { whatWasDone } from './what-was-done.ts'

export type RunAgentParts = {
  provider: AiProvider
  roles: AgentRole[]
  retry: RetrySettings
  /** The longest that one command of the agent may take. */
  commandTimeoutMs: number
  log: AgentLog
  /** Secrets that this process knows; asked for at each use, since tokens change. They are masked in all that a model is shown. */
  secrets?: () => string[]
}

/**
 * The loop. Each turn goes through these states, and a worker that finds a turn in one of them goes on from there:
 *
 *   nothing            the model is asked: reserve, call, and in one transaction settle and write the turn
 *   answered           its tools run, one after the other; their results are written
 *   tools done         a snapshot of the work tree is taken while the model is asked for the next turn
 *   snapshot recorded  the turn is finished; the tools of the next one may run
 *
 * Nothing that is decided here needs more than the journal's turns, but for the time.
 */
export const createRunAgent =
  (parts: RunAgentParts): RunAgent =>
  async (task, journal, workspace, signal) => {
    const role = parts.roles.find((candidate) => candidate.name === task.role)
    if (!role) throw new JourneymanError('not_found', `There is no agent "${task.role}".`)
    const mask = createMask(parts.secrets ?? (() => []))
    const clock = startClock(task, signal)
    const turns: Turn[] = []
    try {
      const opened = await journal.open(openingOf(task, role, mask), task.models.primary)
      turns.push(...opened.turns)
      const tools = new Map<string, Tool>(role.tools.map((tool) => [tool.definition.name, tool]))
      const { provider, retry, commandTimeoutMs, log } = parts
      const shared = { task, journal, workspace, tools, provider, retry, commandTimeoutMs, log, mask }
      const conversation = { ...shared, signal: clock.signal, opening: opened.opening, turns }
      await resume(conversation, clock.used)
      return await converse(conversation, clock.used)
    } catch (error) {
      throw explained(error, clock.signal, turns, task)
    } finally {
      clock.end()
    }
  }

const openingOf = (task: AgentTask, role: AgentRole, mask: (text: string) => string): AgentOpening => {
  const block = (text: string) => ({ type: 'text' as const, text: storableText(mask(text)) })
  return {
    system: [block(task.system)],
    tools: role.tools.map((tool) => tool.definition),
    first: { role: 'user', content: [block(task.prompt)] },
  }
}

/** Ends by itself: each pass adds a turn, and `endIfOver` allows only so many. */
const converse = async (conversation: Conversation, timeUsed: () => number): Promise<AgentOutcome> => {
  const { turns, task, journal, signal } = conversation
  let snapshot = Promise.resolve()
  try {
    for (;;) {
      const submitted = await submittedIn(conversation)
      if (submitted) {
        await snapshot
        return outcomeOf(submitted, turns)
      }
      endIfOver(turns, task.limits, task.role)
      signal.throwIfAborted()
      journal.activity(`thinking (turn ${turns.length + 1})`)
      turns.push(await callModel(conversation))
      await snapshot
      await finishTools(conversation, turns, timeUsed())
      snapshot = recordSnapshot(conversation, turns.length - 1)
      // It is awaited after the next call. Until then a failure of it must not end the process.
      snapshot.catch(() => undefined)
    }
  } finally {
    // However it ends, nothing of it works on in the workspace.
    await snapshot.catch(() => undefined)
  }
}

/** What the last turn handed in, if it did and it was accepted. Read from the journal's turn, so that a resumed one ends too. */
const submittedIn = async (conversation: Conversation): Promise<Record<string, unknown> | null> => {
  const { turns, tools, workspace, signal, commandTimeoutMs } = conversation
  const turn = turns.at(-1)
  const accepted = new Set(turn?.results?.filter((result) => !result.isError).map((result) => result.toolUseId))
  const call = turn && toolCallsOf(turn).find((found) => found.name === submitName && accepted.has(found.id))
  const answer = call && (await tools.get(submitName)?.run(call.input, { workspace, signal, commandTimeoutMs }))
  return answer?.submitted ?? null
}

const outcomeOf = (submitted: Record<string, unknown>, turns: Turn[]): AgentOutcome => ({
  submitted,
  turns: turns.length,
  usage: usageOf(turns),
  cost: turns.reduce((sum, turn) => sum + turn.cost, 0),
  models: [...new Set(turns.map((turn) => turn.model))],
})

type AgentClock = { signal: AbortSignal; used: () => number; end: () => void }

const longestTimerMs = 2 ** 31 - 1

/** The caller's signal and the time limit as one. `used` is the share of the time that has gone. */
const startClock = (task: AgentTask, signal: AbortSignal): AgentClock => {
  const limitMs = Math.min(longestTimerMs, task.limits.maxMinutes * 60_000)
  const startedMs = performance.now()
  const late = new AbortController()
  const reached = new JourneymanError('limit_reached', `${task.limits.maxMinutes} minutes`, {
    detail: { limit: 'minutes' },
  })
  const timer = setTimeout(() => late.abort(reached), limitMs)
  return {
    signal: AbortSignal.any([signal, late.signal]),
    used: () => (performance.now() - startedMs) / limitMs,
    end: () => clearTimeout(timer),
  }
}

/**
 * The errors that end a conversation, with what had been done until then where a person will want to know. After the signal
 * has come, whatever breaks breaks of it, and its reason is told; but a lost claim goes before a stop.
 */
const explained = (error: unknown, signal: AbortSignal, turns: Turn[], task: AgentTask): unknown => {
  const cause = signal.aborted && codeOf(error) !== 'stale_epoch' ? reasonOf(signal) : error
  if (!(cause instanceof JourneymanError)) return cause
  if (cause.code === 'limit_reached' && cause.detail?.['limit'] === 'minutes') {
    return limitReached('minutes', `${task.limits.maxMinutes} minutes`, turns, task.role)
  }
  if (cause.code !== 'budget_exceeded') return cause
  const { message, nextAction, detail } = cause
  const options = { ...(nextAction !== undefined && { nextAction }), ...(detail && { detail }), cause }
  return new JourneymanError('budget_exceeded', `${message} ${whatWasDone(turns)}`, options)
}

const reasonOf = (signal: AbortSignal): JourneymanError =>
  signal.reason instanceof JourneymanError
    ? signal.reason
    : new JourneymanError('stopped', 'The agent was stopped.', { cause: signal.reason })

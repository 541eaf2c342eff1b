import { codeOf, failureOf, isRetryable, JourneymanError } from '../../domain/errors.ts'
import { endConversation, tokensOfOthers } from '../../store/agent-turns.ts'
import type { AiStep } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import { renderPrompt } from '../language/prompts.ts'
import { createAgentJournal } from './agent-journal.ts'
import { recordedChecks } from './evidence.ts'
import type { AgentRole, Execution, StepContext } from './execution.ts'
import { isInterruption } from './interruption.ts'

/** `type: ai_action`: an agent works in the run's workspace until it submits; its result is what it proposes. */
export const runAiStep = async (step: AiStep, context: StepContext): Promise<unknown> => {
  const { execution, address, signal } = context
  const { parts } = execution
  const role = roleOf(execution, step.agent)
  context.given({ agent: step.agent, prompt: step.promptTemplate, inputs: render(step.inputs, execution.variables) })
  const workspace = await execution.workspace.get()
  const journal = createAgentJournal(execution, { address, role: role.name })
  const task = {
    runId: execution.run.id,
    address,
    role: role.name,
    system: pinned(execution, role.systemTemplate),
    prompt: await promptOf(execution, step, role),
    models: parts.settings().models,
    limits: await limitsOf(execution, role, address),
    ...startOf(execution),
  }
  try {
    const outcome = await parts.runAgent(task, journal, workspace, signal)
    await endConversation(parts.database.db, execution.claim, journal.agentId(), 'done', outcome)
    const implementation = role.toResult(
      outcome.submitted,
      await workspace.proposal(),
      recordedChecks(execution.journal),
    )
    // By its parts, and as a whole: `outputs` may name either.
    return { ...implementation, implementation, turns: outcome.turns, usage: outcome.usage, models: outcome.models }
  } catch (error) {
    await noteFailure(execution, journal, error)
    throw error
  }
}

/** What the steps before have left: a conversation that begins anew begins there. */
const startOf = (execution: Execution): { startsFrom?: string } => {
  const startsFrom = execution.workspace.lastSnapshot()
  return startsFrom === null ? {} : { startsFrom }
}

/** A conversation that was only interrupted stays open, and whoever tries the step again goes on with it. */
const noteFailure = async (execution: Execution, journal: { agentId: () => string }, error: unknown): Promise<void> => {
  if (isInterruption(error) || isRetryable(codeOf(error))) return
  try {
    const { claim, parts } = execution
    await endConversation(parts.database.db, claim, journal.agentId(), 'failed', failureOf(error))
  } catch {
    // It was never opened, or the database is gone: the step's own failure says more.
  }
}

const roleOf = (execution: Execution, name: string): AgentRole => {
  const role = Object.hasOwn(execution.parts.agents, name) ? execution.parts.agents[name] : undefined
  if (role) return role
  throw new JourneymanError('not_supported', `This version has no agent "${name}".`)
}

/** The role's own limits, and what the run's other conversations have left of its tokens. */
const limitsOf = async (execution: Execution, role: AgentRole, address: string) => {
  const { parts, run } = execution
  const limits = parts.settings().agentLimits[role.name]
  if (!limits) {
    throw new JourneymanError('invalid_configuration', `The configuration has no limits for the agent "${role.name}".`)
  }
  const left = run.tokenCap - (await tokensOfOthers(parts.database.db, run.id, address))
  if (left > 0) return { ...limits, maxTokens: Math.min(limits.maxTokens, left) }
  throw new JourneymanError('limit_reached', `The run has used up its ${run.tokenCap} tokens.`, {
    nextAction: 'Split the ticket into smaller ones, or raise limits.max_tokens of the workflow (runs.max_tokens).',
  })
}

const promptOf = async (execution: Execution, step: AiStep, role: AgentRole): Promise<string> => {
  if (step.promptTemplate === null) return String(render(step.prompt, execution.variables))
  const template = pinned(execution, step.promptTemplate)
  const inputs = render(step.inputs, execution.variables) as Record<string, unknown>
  return renderPrompt(template, { ...inputs, ...(await ticketVariables(execution, step, role)) })
}

/** What the role shows of the ticket. A prompt about no ticket has its step's inputs alone. */
const ticketVariables = async (
  execution: Execution,
  step: AiStep,
  role: AgentRole,
): Promise<Record<string, unknown>> => {
  const { task, repository } = execution.facts
  const { versionControl, workspaces } = execution.parts
  const facts = { actor: execution.run.actor.login, sandbox: workspaces.sandbox }
  if (task === null) return facts
  const author = { login: task.reporter ?? 'unknown', id: task.reporter_id ?? '', isBot: false }
  const permission = task.reporter_id === null ? 'none' : await versionControl.getPermission(execution.run, author)
  const workspace = await execution.workspace.get()
  const branch =
    step.inputs['branch'] === undefined ? repository.defaultBranch : render(step.inputs['branch'], execution.variables)
  const variables = role.promptVariables({
    task,
    author: { login: author.login, permission },
    repository: { name: repository.repository },
    settings: workspace.settings,
    branch: String(branch),
    baseline: recordedChecks(execution.journal).filter((check) => check.when === 'before'),
  })
  return { ...facts, ...variables }
}

const pinned = (execution: Execution, name: string): string => {
  const text = execution.prompts[name]
  if (text !== undefined) return text
  throw new JourneymanError('internal', `The prompt "${name}" was not pinned with the definition.`)
}

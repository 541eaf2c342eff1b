import { codeOf, failureOf, JourneymanError } from '../../domain/errors.ts'
import { endConversation } from '../../store/agent-turns.ts'
import type { AiStep } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import { renderPrompt } from '../language/prompts.ts'
import { createAgentJournal } from './agent-journal.ts'
import { recordedChecks } from './evidence.ts'
import type { AgentRole, Execution, StepContext } from './execution.ts'

/** `type: ai_action`: an agent works in the run's workspace until it submits; its result is what it proposes. */
export const runAiStep = async (step: AiStep, context: StepContext): Promise<unknown> => {
  const { execution, address, attempt, signal } = context
  const { parts } = execution
  const role = roleOf(execution, step.agent)
  const workspace = await execution.workspace.get()
  const facts = await promptFacts(execution, step)
  const settings = parts.settings()
  const limits = settings.agentLimits[role.name]
  if (!limits)
    throw new JourneymanError('invalid_configuration', `The configuration has no limits for the agent "${role.name}".`)

  await parts.money.forfeitAbandoned(execution.claim)
  const journal = createAgentJournal(execution, { address, attempt, role: role.name })
  const task = {
    runId: execution.run.id,
    address,
    role: role.name,
    system: role.system(facts),
    prompt: promptOf(execution, step, facts),
    models: settings.models,
    limits,
  }
  try {
    const outcome = await parts.runAgent(task, journal, workspace, signal)
    await endConversation(parts.database.db, journal.agentId(), 'done', outcome)
    const result = role.toResult(outcome.submitted, await workspace.proposal(), recordedChecks(execution.journal))
    // The whole is under one name too, so that `outputs: { implementation: generated_code }` reads as one expects.
    return { ...result, implementation: result, turns: outcome.turns, usage: outcome.usage, models: outcome.models }
  } catch (error) {
    await noteFailure(execution, journal, error)
    throw error
  }
}

/** A conversation that is only interrupted stays open: the next worker goes on with it. */
const noteFailure = async (execution: Execution, journal: { agentId: () => string }, error: unknown): Promise<void> => {
  const code = codeOf(error)
  if (code === 'stale_epoch' || code === 'shutting_down') return
  try {
    await endConversation(execution.parts.database.db, journal.agentId(), 'failed', failureOf(error))
  } catch {
    // It was never opened, or the database is gone: the step's own failure says more.
  }
}

const roleOf = (execution: Execution, name: string): AgentRole => {
  const role = Object.hasOwn(execution.parts.agents, name) ? execution.parts.agents[name] : undefined
  if (role) return role
  throw new JourneymanError('not_supported', `This version has no agent "${name}".`)
}

/** What a prompt can see: the step's inputs over what every run has. Texts of strangers are cleaned, never evaluated. */
const promptFacts = async (execution: Execution, step: AiStep): Promise<Record<string, unknown>> => {
  const workspace = await execution.workspace.get()
  const { task, repository } = execution.facts
  const clean = execution.parts.evidence.cleanText
  return {
    task:
      task === null
        ? null
        : {
            ...task,
            title: clean(task.title),
            description: clean(task.description),
            acceptance_criteria: task.acceptance_criteria.map(clean),
          },
    repository: { name: repository.repository, default_branch: repository.defaultBranch },
    settings: workspace.settings,
    instructions: workspace.settings.instructions,
    actor: execution.run.actor,
    baseline: recordedChecks(execution.journal),
    sandbox: { usable: execution.parts.workspaces.sandbox.usable },
    ...cleaned(render(step.inputs, execution.variables), clean),
  }
}

const cleaned = (value: unknown, clean: (text: string) => string): Record<string, unknown> => {
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return clean(part)
    if (Array.isArray(part)) return part.map(walk)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, walk(inner)]))
  }
  return walk(value) as Record<string, unknown>
}

const promptOf = (execution: Execution, step: AiStep, facts: Record<string, unknown>): string => {
  if (step.promptTemplate === null) return String(render(step.prompt, execution.variables))
  const template = execution.prompts[step.promptTemplate]
  if (template === undefined) {
    throw new JourneymanError('internal', `The prompt "${step.promptTemplate}" was not pinned with the definition.`)
  }
  return renderPrompt(template, facts)
}

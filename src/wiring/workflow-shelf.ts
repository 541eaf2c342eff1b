import { installationFolder } from '../config/installation-folder.ts'
import type { Config } from '../config/schema.ts'
import { failureOf, JourneymanError } from '../domain/errors.ts'
import type { PlanStep } from '../domain/plan.ts'
import type { Database } from '../store/database.ts'
import { getDefinition, type PinnedDefinition, saveDefinition } from '../store/definitions.ts'
import { actions } from '../workflow/actions/actions.ts'
import { actionSpecs } from '../workflow/actions/specs.ts'
import { agentSpecs } from '../workflow/language/agent-specs.ts'
import type { LoadedWorkflow, Problem } from '../workflow/language/definition.ts'
import { loadWorkflows, parsePinned } from '../workflow/language/load-workflows.ts'
import { planOfDefinition } from '../workflow/language/plan-of-definition.ts'
import { loopRoles } from './agents.ts'
import type { Log } from './log.ts'

/** The workflows that new runs start with, each kept in the database for the runs that pin it. */
export type WorkflowShelf = {
  workflows: () => LoadedWorkflow[]
  /** Reads the files again. A bad one never replaces a good one. */
  reload: () => Promise<void>
  /** A pinned definition's own steps, as people should read them. */
  planOf: (definitionHash: string) => Promise<PlanStep[]>
}

export const createWorkflowShelf = async (parts: {
  database: Database
  config: () => Config
  log: Log
}): Promise<WorkflowShelf> => {
  const { database, log } = parts
  const plans = new Map<string, PlanStep[]>()
  let workflows = await read(parts)
  refuseBroken(workflows.problems)

  return {
    workflows: () => workflows.loaded,
    reload: async () => {
      workflows = await read(parts, workflows.loaded)
      const broken = workflows.problems.filter((problem) => problem.severity === 'error')
      if (broken.length > 0) log('error', 'a workflow does not pass the check', { problems: broken.map(sentence) })
    },
    planOf: async (hash) => {
      const known = plans.get(hash)
      if (known) return known
      const plan = planIn(await getDefinition(database.db, hash), log)
      plans.set(hash, plan)
      return plan
    },
  }
}

/** Of a definition that this version cannot read (its run fails, and says so) there is no plan, and the rest is told all the same. */
const planIn = (pinned: PinnedDefinition, log: Log): PlanStep[] => {
  try {
    return planOfDefinition(parsePinned(pinned.source, pinned.prompts), pinned.prompts)
  } catch (error) {
    log('warn', 'a pinned workflow cannot be read', { workflow: pinned.name, failure: failureOf(error) })
    return []
  }
}

/** The folder's workflows, checked against what this version has. */
export const loadFrom = (
  config: Config,
  previous: LoadedWorkflow[] = [],
): { workflows: LoadedWorkflow[]; problems: Problem[] } =>
  loadWorkflows(config.workflows.folder, {
    actions: actionSpecs,
    agents: agentSpecs,
    configuredPlugins: Object.keys(actions),
    canDo: (category, action) => actions[category]?.[action] !== undefined,
    installation: installationFolder(),
    prompts: config.workflows.prompts,
    alsoPinned: loopRoles.map((role) => `prompts/${role.systemTemplate}`),
    previous,
  })

const read = async (
  parts: { database: Database; config: () => Config },
  previous: LoadedWorkflow[] = [],
): Promise<{ loaded: LoadedWorkflow[]; problems: Problem[] }> => {
  const { workflows, problems } = loadFrom(parts.config(), previous)
  for (const workflow of workflows) {
    await saveDefinition(parts.database.db, {
      hash: workflow.hash,
      name: workflow.definition.name,
      source: workflow.source,
      prompts: workflow.prompts,
    })
  }
  return { loaded: workflows, problems }
}

const refuseBroken = (problems: Problem[]): void => {
  const broken = problems.filter((problem) => problem.severity === 'error')
  if (broken.length === 0) return
  throw new JourneymanError(
    'invalid_workflow',
    `The workflows do not pass the check:\n${broken.map(sentence).join('\n')}`,
  )
}

export const sentence = (problem: Problem): string =>
  `${problem.file}:${problem.line}:${problem.column} ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`

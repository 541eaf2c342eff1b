import { JourneymanError } from '../../domain/errors.ts'
import type { SystemStep } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import type { StepContext } from './execution.ts'

type SystemAction = (inputs: Record<string, unknown>, context: StepContext) => Promise<unknown>

export const runSystemStep = async (step: SystemStep, context: StepContext): Promise<unknown> => {
  const action = Object.hasOwn(systemActions, step.action) ? systemActions[step.action] : undefined
  if (!action) throw new JourneymanError('not_supported', `This version has no system action "${step.action}".`)
  const inputs = render(step.inputs, context.execution.variables) as Record<string, unknown>
  context.given(inputs)
  return action(inputs, context)
}

/** Runs the repository's own checks and records what came out: the evidence, before and after. */
const checks: SystemAction = async (inputs, { execution, address, signal }) => {
  const when = inputs['when'] === 'before' ? 'before' : 'after'
  const workspace = await execution.workspace.get()
  const results = await execution.parts.evidence.runChecks(workspace, when, signal, (text) =>
    execution.journal.activity(address, text),
  )
  return { checks: results, passed: results.length > 0 && results.every((result) => result.exitCode === 0) }
}

const log: SystemAction = async (inputs, { execution, address }) => {
  execution.parts.log('info', 'a workflow says', {
    run: execution.run.id,
    address,
    text: String(inputs['message'] ?? ''),
  })
  return {}
}

/** Counts something, for whoever gathers the log or the metrics. */
const metric: SystemAction = async (inputs, { execution, address }) => {
  execution.parts.log('info', 'a workflow measures', {
    run: execution.run.id,
    address,
    metric: String(inputs['name'] ?? ''),
    value: Number(inputs['value'] ?? 1),
    labels: inputs['labels'] ?? {},
  })
  return {}
}

/** Its inputs become variables where a step's outputs do, so that a resumed run has them too. */
const set: SystemAction = async (inputs) => inputs

/**
 * Removes the run's worktree, its processes and its folder. The snapshots stay while somebody may go on from them: the steps that
 * are still to come, where a used workflow cleans up at its own end, or whoever tries a run again that has failed.
 */
const cleanup: SystemAction = async (_inputs, { execution }) => {
  await execution.workspace.close()
  const { mayBeRetried = true, run, parts } = execution
  await parts.workspaces.remove(run.id, { keepSnapshots: mayBeRetried })
  return {}
}

/** Built in names that say nothing more than what the run's own end says; people hear of it by the report. */
const noted =
  (level: 'info' | 'warn', text: string): SystemAction =>
  async (_inputs, { execution }) => {
    execution.parts.log(level, text, { run: execution.run.id, workflow: execution.run.workflow })
    return {}
  }

const systemActions: Record<string, SystemAction> = {
  checks,
  log,
  metric,
  set,
  cleanup,
  log_success: noted('info', 'a run has succeeded'),
  send_alert: noted('warn', 'a run has failed'),
}

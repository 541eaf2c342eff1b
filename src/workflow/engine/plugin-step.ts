import { JourneymanError } from '../../domain/errors.ts'
import { actions } from '../actions/actions.ts'
import type { PluginStep } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import type { StepContext } from './execution.ts'
import { fillInputs } from './fill-inputs.ts'

/** Evaluates the inputs, adds what the action needs and was not told, and has the plugin act. */
export const runPluginStep = async (step: PluginStep, context: StepContext): Promise<unknown> => {
  const action = actions[step.plugin]?.[step.action]
  if (!action) {
    throw new JourneymanError('not_supported', `This version has no action ${step.plugin}.${step.action}.`)
  }
  const given = render(step.inputs, context.execution.variables) as Record<string, unknown>
  return action(fillInputs(step.plugin, step.action, given, context.execution), context)
}

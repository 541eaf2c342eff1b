import type { PluginStep } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import { callAction } from './call-action.ts'
import type { StepContext } from './execution.ts'

/** Evaluates the inputs and has the plugin act. */
export const runPluginStep = (step: PluginStep, context: StepContext): Promise<unknown> => {
  const { execution, address, attempt, given } = context
  const inputs = render(step.inputs, execution.variables) as Record<string, unknown>
  return callAction({ plugin: step.plugin, action: step.action, inputs, execution, address, attempt, given })
}

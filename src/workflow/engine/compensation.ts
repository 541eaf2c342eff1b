import type { Compensation } from '../../domain/run.ts'
import { compensationOf } from '../language/compensation-of.ts'
import type { Step } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import type { Execution } from './execution.ts'
import { impliedInputs } from './fill-inputs.ts'

/**
 * The call that undoes a step that is done, with its inputs as they are now: in a loop, in a branch, they would not be found
 * again later. It sees what the step gave as `result`. Throws what an expression throws: a step that could not be undone as
 * it says has not been done as it says.
 */
export const compensationFor = (step: Step, result: unknown, execution: Execution): Compensation | null => {
  const call = compensationOf(step)
  if (call === null) return null
  const { plugin, action } = call
  const names = execution.variables.beside({ result: () => result })
  const inputs = render(call.inputs, names) as Record<string, unknown>
  return { plugin, action, inputs: { ...impliedInputs(plugin, action, execution), ...inputs } }
}

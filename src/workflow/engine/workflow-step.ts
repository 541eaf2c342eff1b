import { JourneymanError } from '../../domain/errors.ts'
import type { Definition, InputSpec, WorkflowStep } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import { pinnedUse } from '../language/pinned.ts'
import type { Execution, StepContext } from './execution.ts'
import { restoreEvaluated } from './restore-evaluated.ts'
import { everything, viewFrom } from './step-facts.ts'
import { createVariables } from './variables.ts'

/**
 * `type: workflow`. Another workflow, pinned with the run, goes on inside it: with variables of its own, its prerequisites,
 * success criteria and post-execution, under the address of this step. It gives what its steps have set.
 */
export const runWorkflowStep = async (step: WorkflowStep, context: StepContext): Promise<unknown> => {
  const { execution, address, inner, given } = context
  const { definition, prompts } = pinnedUse(execution.prompts, step.uses)
  const inputs = inputsFor(definition, render(step.inputs, execution.variables) as Record<string, unknown>)
  given({ uses: step.uses, inputs })
  const view = viewFrom(execution.journal, address, execution.view)
  const system = { ...execution.system, steps: () => everything(view) }
  const variables = createVariables({ definition, inputs, system })
  restoreEvaluated(execution.journal, variables, address)
  const used: Execution = { ...execution, definition, prompts, variables, view }
  await inner.runBody(used, address)
  const names = new Set(variables.writes().map(([path]) => path.split('.')[0] as string))
  return Object.fromEntries([...names].map((name) => [name, variables.get(name)]))
}

const inputsFor = (definition: Definition, given: Record<string, unknown>): Record<string, unknown> => {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(definition.inputs, name))
  if (unknown !== undefined) {
    throw new JourneymanError('invalid_input', `The workflow "${definition.name}" has no input "${unknown}".`)
  }
  const values = Object.entries(definition.inputs).map(([name, spec]) => [
    name,
    valueFor(name, spec, given, definition),
  ])
  return Object.fromEntries(values.filter(([, value]) => value !== undefined && value !== null))
}

const valueFor = (
  name: string,
  spec: InputSpec,
  given: Record<string, unknown>,
  { name: workflow }: Definition,
): unknown => {
  const value = given[name] ?? spec.default
  if (value === undefined || value === null) {
    if (!spec.required) return undefined
    throw new JourneymanError('invalid_input', `The workflow "${workflow}" needs its input "${name}".`)
  }
  if (typeFits[spec.type](value)) return value
  throw new JourneymanError('invalid_input', `The input "${name}" of "${workflow}" must be a ${spec.type}.`)
}

const typeFits: Record<InputSpec['type'], (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  list: (value) => Array.isArray(value),
  object: (value) => typeof value === 'object' && !Array.isArray(value),
}

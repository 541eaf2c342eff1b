import { JourneymanError } from '../../domain/errors.ts'
import { actions } from '../actions/actions.ts'
import type { Execution } from './execution.ts'
import { fillInputs } from './fill-inputs.ts'

/** Adds what the action needs and was not told, and has the plugin act. */
export const callAction = async (call: {
  plugin: string
  action: string
  inputs: Record<string, unknown>
  execution: Execution
  address: string
  attempt: number
  given?: (inputs: unknown) => void
}): Promise<Record<string, unknown>> => {
  const { address, attempt } = call
  const { signal } = call.execution
  // What ends the step ends what it would still send.
  const execution = { ...call.execution, guard: { ...call.execution.guard, signal } }
  const action = actions[call.plugin]?.[call.action]
  if (!action) throw new JourneymanError('not_supported', `This version has no action ${call.plugin}.${call.action}.`)
  const inputs = fillInputs(call.plugin, call.action, call.inputs, execution)
  call.given?.(inputs)
  return action(inputs, { execution, address, attempt, signal })
}

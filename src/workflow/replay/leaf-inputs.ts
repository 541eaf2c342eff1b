import type { Execution } from '../engine/execution.ts'
import { fillInputs } from '../engine/fill-inputs.ts'
import type { Step } from '../language/definition.ts'
import { render } from '../language/expressions.ts'

/**
 * What a step would be given now, as it is kept when it is done. Whatever else the step works out is worked out too: a variable
 * keeps the value of its first use, wherever that was.
 */
export const leafInputs = (step: Step, execution: Execution): unknown => {
  const { variables } = execution
  const rendered = (inputs: Record<string, unknown>) => render(inputs, variables) as Record<string, unknown>
  if (step.type === 'plugin') return fillInputs(step.plugin, step.action, rendered(step.inputs), execution)
  if (step.type === 'system') return rendered(step.inputs)
  if (step.type === 'run') return { command: String(render(step.command, variables)) }
  if (step.type === 'ai_action') {
    const inputs = rendered(step.inputs)
    if (step.promptTemplate === null) render(step.prompt, variables)
    return { agent: step.agent, prompt: step.promptTemplate, inputs }
  }
  if (step.type === 'approval') render([step.shows, step.approvers], variables)
  return null
}

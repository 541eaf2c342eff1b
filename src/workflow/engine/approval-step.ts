import type { ApprovalStep } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import { askPerson } from './ask-person.ts'
import type { StepContext } from './execution.ts'

/** `type: approval`. Asks a person, and is done with their yes; the states of the question stand in `ask-person.ts`. */
export const runApprovalStep = async (step: ApprovalStep, context: StepContext): Promise<unknown> => {
  const { variables } = context.execution
  return askPerson(context, {
    name: step.name,
    shown: render(step.shows, variables),
    approvers: step.approvers.map((approver) => String(render(approver, variables))),
    onTimeout: step.onTimeout,
    timeoutSeconds: step.timeoutSeconds,
  })
}

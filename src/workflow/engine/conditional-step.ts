import { type Branch, branch, within } from '../../domain/address.ts'
import type { ConditionalStep } from '../language/definition.ts'
import { test } from '../language/expressions.ts'
import type { StepContext } from './execution.ts'

/** `type: conditional`. The way is chosen once: what has happened on it since may have changed what was tested. */
export const runConditionalStep = async (step: ConditionalStep, context: StepContext): Promise<unknown> => {
  const { execution, address, inner } = context
  const taken = takenBefore(step, context) ?? (test(step.test, execution.variables) ? 'then' : 'else')
  await inner.runSteps(execution, step[taken], branch(address, taken))
  return { taken }
}

/** The way that an earlier worker went is the one on which something stands in the journal. */
const takenBefore = (step: ConditionalStep, { execution, address }: StepContext): Branch | undefined =>
  (['then', 'else'] as const).find((way) =>
    step[way].some((inner) => execution.journal.get(within(branch(address, way), inner.name)) !== undefined),
  )

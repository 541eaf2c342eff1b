import type { Step } from '../language/definition.ts'
import type { Branch } from './branches.ts'
import type { Execution, InnerSteps } from './execution.ts'

/** One step as a branch of its own. Where another has failed before it was begun, it is skipped, until a later try begins it. */
export const stepBranch = (
  { journal, variables }: Execution,
  step: Step,
  address: string,
  runStep: InnerSteps['runStep'],
): Branch => ({
  name: step.name,
  place: address,
  known: () => journal.get(address) !== undefined,
  scope: (names, seen) => variables.child(names, seen),
  run: (inside) => runStep(inside, step, address),
  notBegun: (reason) =>
    journal.skipped(address, { name: step.name, kind: step.type }, { reason, cancelled: true }, variables),
})

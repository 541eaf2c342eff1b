import { within } from '../../domain/address.ts'
import type { Step } from '../language/definition.ts'
import type { Execution, InnerSteps } from './execution.ts'
import { runBody } from './run-body.ts'
import { runGraph } from './run-graph.ts'
import { runStepWith } from './run-step.ts'

/**
 * Runs a list of steps: one after the other, or as a graph where one of them says `needs`. What the journal has as finished is
 * not run again. Throws what a step ends with when its strategy is to fail, and ParkRequest when the run should wait without
 * a worker.
 */
export const runSteps: InnerSteps['runSteps'] = async (execution, steps, parent) => {
  if (steps.some((step) => step.needs.length > 0)) return runGraph(execution, steps, parent, runStep)
  for (const step of steps) await runStep(execution, step, within(parent, step.name))
}

const runStep = (execution: Execution, step: Step, address: string): Promise<void> =>
  runStepWith(inner, execution, step, address)

const inner: InnerSteps = {
  runSteps,
  runStep,
  runBody: (execution, parent) => runBody(execution, parent, runSteps),
}

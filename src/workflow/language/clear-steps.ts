import type { Checking } from './checking.ts'
import { own } from './data.ts'
import type { AiStep, Step } from './definition.ts'

/** Whether what happens when the step fails is certain: it says so itself, or the file says it for it. */
export const strategyIsClear = (step: Step, { gaps, pathOf, source }: Checking): boolean => {
  const path = [...pathOf(step), 'on_error']
  const says = path.reduce<unknown>(own, source.value) !== undefined
  return gaps.isClear(path) && (says || gaps.isClear(['error_handling']))
}

/** Whether the agent is certain: one that a step does not name follows from the kind of the workflow. */
export const agentIsClear = (step: AiStep, { gaps, pathOf, source }: Checking): boolean => {
  const path = [...pathOf(step), 'agent']
  const says = path.reduce<unknown>(own, source.value) !== undefined
  return gaps.isClear(path) && (says || gaps.isClear(['kind']))
}

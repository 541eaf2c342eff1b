import type { Definition, Step } from './definition.ts'
import { flatten } from './steps-within.ts'

/** The variables that a step sets itself: by its outputs, and by being `system.set`. */
export const namesSetBy = (step: Step): string[] => {
  const outputs = Object.values(step.outputs).map((path) => path.split('.')[0] as string)
  return step.type === 'system' && step.action === 'set' ? [...Object.keys(step.inputs), ...outputs] : outputs
}

/** Variable -> the first step that sets it, of all that the steps hold. */
export const settersIn = (steps: readonly Step[]): Map<string, Step> => {
  const setters = new Map<string, Step>()
  for (const step of flatten(steps)) {
    for (const name of namesSetBy(step)) if (!setters.has(name)) setters.set(name, step)
  }
  return setters
}

/** What a `workflow` step that uses it may take as its outputs. */
export const resultNames = (definition: Definition): string[] => [...settersIn(definition.steps).keys()]

import type { Definition, Step } from './definition.ts'

/** The lists of steps that a step holds. */
export const listsWithin = (step: Step): Step[][] => {
  if (step.type === 'conditional') return [step.then, step.else]
  return step.type === 'parallel' || step.type === 'loop' ? [step.steps] : []
}

/** A list of steps with all that they hold, in the order of the file. */
export const flatten = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step) => [step, ...listsWithin(step).flatMap(flatten)])

/** The lists of `post_execution`, as they stand. */
export const afterLists = ({ postExecution }: Definition): Step[][] => [
  postExecution.always,
  postExecution.onSuccess,
  postExecution.onFailure,
]

export const everyStep = (definition: Definition): Step[] =>
  [definition.steps, ...afterLists(definition)].flatMap(flatten)

/** The prompts that a run pins, each once. */
export const promptReferences = (definition: Definition): string[] => {
  const references = everyStep(definition).flatMap((step) =>
    step.type === 'ai_action' ? (step.promptTemplate ?? []) : [],
  )
  return [...new Set(references)]
}

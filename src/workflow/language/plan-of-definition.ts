import type { Branch } from '../../domain/address.ts'
import type { PlanStep } from '../../domain/plan.ts'
import type { Definition, Step } from './definition.ts'
import { pinnedUse } from './pinned.ts'

/** People read two levels; addresses of approvals further down are named all the same. */
const maxUses = 5

/** The definition's own steps as people should read them, with those inside them and those of the workflows that they use. */
export const planOfDefinition = (definition: Definition, prompts: Record<string, string>): PlanStep[] =>
  planOf(definition.steps, null, prompts, maxUses)

const planOf = (
  steps: readonly Step[],
  branch: Branch | null,
  prompts: Record<string, string>,
  usesLeft: number,
): PlanStep[] =>
  steps.map((step) => ({
    name: step.name,
    description: step.description ?? step.name,
    kind: step.type,
    event: step.type === 'wait' ? step.event : null,
    branch,
    steps: innerPlan(step, prompts, usesLeft),
  }))

const innerPlan = (step: Step, prompts: Record<string, string>, usesLeft: number): PlanStep[] => {
  if (step.type === 'conditional') {
    return [...planOf(step.then, 'then', prompts, usesLeft), ...planOf(step.else, 'else', prompts, usesLeft)]
  }
  if (step.type === 'parallel' || step.type === 'loop') return planOf(step.steps, null, prompts, usesLeft)
  if (step.type !== 'workflow' || usesLeft === 0) return []
  const used = pinnedUse(prompts, step.uses)
  return planOf(used.definition.steps, null, used.prompts, usesLeft - 1)
}

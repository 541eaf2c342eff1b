import { within } from '../../domain/address.ts'
import type { Step } from '../language/definition.ts'
import { type Branch, failureOfBranches, runBranches } from './branches.ts'
import type { Execution, InnerSteps } from './execution.ts'
import { stepBranch } from './step-branch.ts'

/** As many steps of one graph are under way at once. */
const mostAtOnce = 16

/**
 * A list in which a step says `needs` is a graph: each step is begun when what it needs has ended (done, skipped, or failed
 * where that is to be gone on from), and sees what those have set. A failure ends the rest, as in a parallel group.
 */
export const runGraph = async (
  execution: Execution,
  steps: readonly Step[],
  parent: string,
  runStep: InnerSteps['runStep'],
): Promise<void> => {
  const { variables } = execution
  const needs = transitiveNeeds(steps)
  const branches = steps.map(
    (step, index): Branch => ({
      ...stepBranch(execution, step, within(parent, step.name), runStep),
      after: needs[index] ?? [],
    }),
  )
  const ends = await runBranches(execution, branches, { concurrency: mostAtOnce, failFast: true })
  for (const end of ends) variables.merge(end.left)
  const failure = failureOfBranches(
    execution,
    steps.map((step) => step.name),
    ends,
  )
  if (failure !== null) throw failure
}

/** For each step the places of all that it needs, directly or not, in the order of the list. */
const transitiveNeeds = (steps: readonly Step[]): number[][] => {
  const places = new Map(steps.map((step, index) => [step.name, index]))
  const known = new Map<number, Set<number>>()
  const needsOf = (index: number): Set<number> => {
    const found = known.get(index)
    if (found) return found
    const all = new Set<number>()
    // Before it is complete, so that a circle (which the checker refuses) ends.
    known.set(index, all)
    for (const need of steps[index]?.needs ?? []) {
      const place = places.get(need)
      if (place === undefined) continue
      all.add(place)
      for (const further of needsOf(place)) all.add(further)
    }
    return all
  }
  return steps.map((_step, index) => [...needsOf(index)].sort((a, b) => a - b))
}

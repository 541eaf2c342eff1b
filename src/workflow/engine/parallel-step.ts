import { within } from '../../domain/address.ts'
import type { ParallelStep } from '../language/definition.ts'
import { failureOfBranches, runBranches } from './branches.ts'
import type { StepContext } from './execution.ts'
import { stepBranch } from './step-branch.ts'

/**
 * `type: parallel`. Each step is a branch with a scope of its own; what they set is merged in the order of the file, also of
 * those that had finished before another failed. Ends with each one's result, or with what made it fail.
 */
export const runParallelStep = async (step: ParallelStep, context: StepContext): Promise<unknown> => {
  const { execution, address, inner } = context
  const { journal, variables } = execution
  const addressOf = (name: string): string => within(address, name)
  const branches = step.steps.map((one) => stepBranch(execution, one, addressOf(one.name), inner.runStep))
  const names = step.steps.map((one) => one.name)
  const ends = await runBranches(execution, branches, { concurrency: step.maxConcurrency, failFast: step.failFast })
  for (const end of ends) variables.merge(end.left)
  const failure = failureOfBranches(execution, names, ends)
  if (failure !== null) throw failure
  const rows = names.map((name) => [name, journal.get(addressOf(name))] as const)
  const inState = (state: string): string[] => rows.flatMap(([name, row]) => (row?.state === state ? [name] : []))
  return {
    results: Object.fromEntries(rows.map(([name, row]) => [name, row?.result ?? null])),
    failed: inState('failed'),
    skipped: inState('skipped'),
  }
}

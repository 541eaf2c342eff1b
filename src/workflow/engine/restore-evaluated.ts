import { readEvaluatedKey } from '../../domain/evaluated.ts'
import type { Execution } from './execution.ts'
import type { Journal } from './journal.ts'
import { rowsOf } from './step-facts.ts'
import type { Variables } from './variables.ts'

type Kept = (key: string) => boolean

/** What the definition at that place had evaluated outside of every branch: it is known from the beginning. */
export const restoreEvaluated = (journal: Journal, variables: Variables, parent: string): void => {
  for (const row of rowsOf(journal, parent)) restoreOf(row.evaluated, variables, (key) => !isOfBranch(key))
}

/** What the branch in which the step stands had evaluated for it. */
export const restoreOfStep = ({ journal, variables }: Execution, address: string): void =>
  restoreOf(journal.get(address)?.evaluated, variables, isOfBranch)

const isOfBranch: Kept = (key) => readEvaluatedKey(key).depth !== null

const restoreOf = (evaluated: Record<string, unknown> | null | undefined, variables: Variables, isKept: Kept): void => {
  if (evaluated) variables.restore(Object.fromEntries(Object.entries(evaluated).filter(([key]) => isKept(key))))
}

import { iteration, within } from '../../domain/address.ts'
import { crashPoint } from '../../domain/crash-point.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { asStored } from '../../store/json.ts'
import type { LoopStep } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import { type Branch, failureOfBranches, runBranches } from './branches.ts'
import type { StepContext } from './execution.ts'
import { everything, viewFrom } from './step-facts.ts'
import type { Left, Variables, Write } from './variables.ts'

/**
 * `type: loop`:
 *
 *   items        worked out once, and journalled: whoever goes on has the same
 *   one by one   each iteration sees what the one before has set
 *   several      each has a scope of its own; they are merged in the order of the items
 *   failed       one that fails ends the loop: what is under way is cancelled, the others are never begun
 */
export const runLoopStep = async (step: LoopStep, context: StepContext): Promise<unknown> => {
  const { execution, address, inner } = context
  const { variables, journal } = execution
  const items = await itemsOf(step, context)
  const scopeOf = (index: number, names: Names): Variables =>
    variables.child({ ...namesFor(step, items, index), ...names })
  const results: Record<string, unknown>[] = []
  const keep = (index: number, left: Left): void => {
    variables.merge(left)
    results[index] = objectOf(variables, left.writes)
  }
  if (step.maxConcurrency === 1) {
    for (const index of items.keys()) {
      const view = viewFrom(journal, iteration(address, index), execution.view)
      const scope = scopeOf(index, { steps: () => everything(view) })
      try {
        await inner.runSteps({ ...execution, variables: scope, view }, step.steps, iteration(address, index))
      } finally {
        keep(index, scope.left())
      }
    }
    return { iterations: items.length, results }
  }
  const branches = items.map(
    (_item, index): Branch => ({
      name: `${step.name}[${index}]`,
      place: iteration(address, index),
      known: () => step.steps.some((one) => journal.get(within(iteration(address, index), one.name)) !== undefined),
      scope: (names) => scopeOf(index, names),
      run: (inside) => inner.runSteps(inside, step.steps, iteration(address, index)),
    }),
  )
  const ends = await runBranches(execution, branches, { concurrency: step.maxConcurrency, failFast: true })
  for (const [index, end] of ends.entries()) keep(index, end.left)
  const failure = failureOfBranches(
    execution,
    branches.map((branch) => branch.name),
    ends,
  )
  if (failure !== null) throw failure
  return { iterations: items.length, results }
}

const itemsOf = async (step: LoopStep, { execution, address, attempt }: StepContext): Promise<unknown[]> => {
  const memo = execution.journal.get(address)?.memo
  if (memo && Array.isArray(memo['items'])) return memo['items']
  const items = listOf(asStored(render(step.forEach, execution.variables)), step)
  if (items.length > step.maxIterations) {
    throw new JourneymanError(
      'limit_reached',
      `"${step.name}" has ${items.length} items, and max_iterations allows ${step.maxIterations}.`,
      { nextAction: 'Raise max_iterations of the loop, or give it fewer items.' },
    )
  }
  // A replay of a loop that failed before it had any writes nothing.
  if (attempt > 0) await execution.journal.remember(address, { items }, execution.variables)
  crashPoint('items.remembered')
  return items
}

const listOf = (value: unknown, step: LoopStep): unknown[] => {
  if (Array.isArray(value)) return value
  if (typeof value === 'object' && value !== null) {
    // By name: what was read back from a row has lost the order in which it was written.
    const pairs = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
    return pairs.map(([key, one]) => ({ key, value: one }))
  }
  const what = value === null || value === undefined ? 'nothing' : `a ${typeof value}`
  throw new JourneymanError('invalid_input', `"${step.name}" goes over a list, and for_each gave ${what}.`)
}

type Names = Record<string, () => unknown>

const namesFor = (step: LoopStep, items: readonly unknown[], index: number): Names => ({
  [step.as]: () => items[index],
  loop: () => ({
    index: index + 1,
    index0: index,
    first: index === 0,
    last: index === items.length - 1,
    length: items.length,
  }),
})

const objectOf = (variables: Variables, writes: readonly Write[]): Record<string, unknown> =>
  Object.fromEntries(
    [...new Set(writes.map(([path]) => path.split('.')[0] as string))].map((name) => [name, variables.get(name)]),
  )

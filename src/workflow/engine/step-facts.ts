import { holdersOf, within } from '../../domain/address.ts'
import type { StepRow } from '../../store/steps.ts'
import type { Journal } from './journal.ts'

/**
 * What `steps` shows from one place of a run, but for the addresses that are hidden. It is the same whichever branch is
 * quicker, and whoever goes on: a definition shows its own steps; a branch what was there before it, what it needs and
 * itself; where a name stands for several, the later item counts and not the later time.
 */
export type StepsView = (isHidden: (address: string) => boolean) => Record<string, unknown>

/** All that is seen from there. */
export const everything = (view: StepsView): Record<string, unknown> => view(() => false)

export const viewOfRun =
  (journal: Journal): StepsView =>
  (isHidden) =>
    stepsOf(shownOf(journal, '').filter(({ address }) => !address.startsWith('@') && !isHidden(address)))

/** Inside an iteration or a used workflow its own steps come first; the others are seen as from around it. */
export const viewFrom =
  (journal: Journal, parent: string, around: StepsView): StepsView =>
  (isHidden) => ({
    ...around(isHidden),
    ...stepsOf(shownOf(journal, parent).filter(({ address }) => !isHidden(address))),
  })

/** Without what stands at a place that is hidden, or in it. */
export const viewWithout =
  (around: StepsView, isHiddenPlace: (place: string) => boolean): StepsView =>
  (isHidden) =>
    around((address) => isHidden(address) || standsAtSome(isHiddenPlace, address))

/** At the address, or at whatever it stands in: steps, iterations, ways of conditions. Every use of `steps` asks it of every row. */
const standsAtSome = (isPlace: (place: string) => boolean, address: string): boolean => {
  for (let end = 0; end < address.length; end++) {
    if ('/[:'.includes(address.charAt(end)) && isPlace(address.slice(0, end))) return true
  }
  return isPlace(address)
}

/** What holds them may be tried again: what was done the time before is seen when the present try has come there. */
const shownOf = (journal: Journal, parent: string): StepRow[] =>
  rowsOf(journal, parent).filter(({ address }) => !journal.isAhead(address))

/** The rows of one definition's steps, and not of those of a workflow that it uses, which has names of its own. */
export const rowsOf = (journal: Journal, parent: string): StepRow[] => {
  const below = parent === '' ? '' : within(parent, '')
  const rows = journal.rows().filter((row) => row.address.startsWith(below))
  const uses = new Set(rows.filter(({ kind }) => kind === 'workflow').map(({ address }) => address))
  return uses.size === 0 ? rows : rows.filter(({ address }) => !holdersOf(address).some((holder) => uses.has(holder)))
}

const stepsOf = (rows: readonly StepRow[]): Record<string, unknown> => {
  const last = new Map<string, StepRow>()
  for (const row of rows) {
    const other = last.get(row.name)
    if (!other || isLater(row.address, other.address)) last.set(row.name, row)
  }
  return Object.fromEntries([...last].map(([name, row]) => [name, factsOf(row)]))
}

/** Of one step of one definition in two iterations: the addresses differ first in the place of an item. */
const isLater = (one: string, other: string): boolean => {
  let same = 0
  while (same < one.length && one.charAt(same) === other.charAt(same)) same++
  const item = one.lastIndexOf('[', same) + 1
  return !(Number.parseInt(one.slice(item), 10) < Number.parseInt(other.slice(item), 10))
}

const factsOf = (row: StepRow) => ({
  status: row.state,
  result: row.result,
  error: row.failure ? { code: row.failure.code, message: row.failure.message } : null,
  attempts: row.attempts,
  cost_usd: row.cost / 1_000_000,
})

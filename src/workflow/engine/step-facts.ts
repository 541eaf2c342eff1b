import { within } from '../../domain/address.ts'
import type { StepRow } from '../../store/steps.ts'
import type { Journal } from './journal.ts'
import type { Variables } from './variables.ts'

/** What `steps.<name>` shows of the steps of a run. */
export const stepsOf = (rows: readonly StepRow[]): Record<string, unknown> =>
  Object.fromEntries(rows.filter((row) => !row.address.startsWith('@')).map((row) => [row.name, factsOf(row)]))

/** Inside an iteration or a used workflow its own steps come first; the others are seen as from around it. */
export const stepsBelow = (journal: Journal, parent: string, around: Variables): Record<string, unknown> => {
  const inside = journal.rows().filter((row) => row.address.startsWith(within(parent, '')))
  return { ...(around.get('steps') as object), ...stepsOf(inside) }
}

const factsOf = (row: StepRow) => ({
  status: row.state,
  result: row.result,
  error: row.failure ? { code: row.failure.code, message: row.failure.message } : null,
  attempts: row.attempts,
  cost_usd: row.cost / 1_000_000,
})

import { within } from '../../domain/address.ts'
import type { Journal } from './journal.ts'
import { localKey, type Variables } from './variables.ts'

/**
 * What the definition at that place had evaluated for all of it: from the rows of its steps, and not of those of a workflow
 * that it uses, which has names of its own.
 */
export const restoreEvaluated = (journal: Journal, variables: Variables, parent: string): void => {
  const rows = journal.rows()
  const below = (address: string): string => within(address, '')
  const used = rows.filter((row) => row.kind === 'workflow' && row.address !== parent).map((row) => below(row.address))
  const inside = rows.filter((row) => parent === '' || row.address.startsWith(below(parent)))
  for (const row of inside) {
    if (!row.evaluated || used.some((other) => row.address.startsWith(other) && other.length > below(parent).length))
      continue
    const { [localKey]: _local, ...whole } = row.evaluated
    variables.restore(whole)
  }
}

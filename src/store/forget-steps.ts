import { sql } from 'kysely'
import type { Tx } from './database.ts'

/** As if the run had never come there. A signal that such a step took stays its own: what came once for a run does not come again. */
export const forgetSteps = async (tx: Tx, id: string, addresses: string[]): Promise<void> => {
  if (addresses.length === 0) return
  await tx
    .updateTable('agent_executions')
    .set({ state: 'failed', finished_at: sql`coalesce(finished_at, now())` })
    .where('run_id', '=', id)
    .where('address', 'in', addresses)
    .where('state', '!=', 'failed')
    .execute()
  for (const table of ['approvals', 'step_results', 'step_executions'] as const) {
    await tx.deleteFrom(table).where('run_id', '=', id).where('address', 'in', addresses).execute()
  }
}

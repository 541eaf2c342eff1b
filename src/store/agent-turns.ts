import { newId } from '../domain/ids.ts'
import type { TokenUsage } from '../domain/money.ts'
import type { Claim } from '../domain/run.ts'
import { assertClaim } from './claimed.ts'
import type { Db, Tx } from './database.ts'

export type TurnRow = {
  ordinal: number
  model: string
  response: unknown
  tool_results: unknown
  snapshot: string | null
  usage: TokenUsage
  cost: number
}

/** Opens the conversation of this attempt of a step, or gives the one that is there. */
export const openConversation = async (
  db: Db,
  claim: Claim,
  opening: { address: string; attempt: number; role: string; model: string; request: unknown },
): Promise<{ agentId: string; request: unknown; turns: TurnRow[] }> =>
  db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim)
    await tx
      .insertInto('agent_executions')
      .values({
        id: newId('agent'),
        run_id: claim.runId,
        address: opening.address,
        attempt: opening.attempt,
        role: opening.role,
        model: opening.model,
        request: JSON.stringify(opening.request),
        state: 'running',
      })
      .onConflict((conflict) => conflict.columns(['run_id', 'address', 'attempt']).doNothing())
      .execute()
    const row = await tx
      .selectFrom('agent_executions')
      .select(['id', 'request'])
      .where('run_id', '=', claim.runId)
      .where('address', '=', opening.address)
      .where('attempt', '=', opening.attempt)
      .executeTakeFirstOrThrow()
    const turns = await tx
      .selectFrom('agent_turns')
      .select(['ordinal', 'model', 'response', 'tool_results', 'snapshot', 'usage', 'cost'])
      .where('agent_id', '=', row.id)
      .orderBy('ordinal')
      .execute()
    return { agentId: row.id, request: row.request, turns }
  })

/** In the transaction that settles its price, so that a turn is either paid and kept or neither. */
export const insertTurn = async (
  tx: Tx,
  turn: { agentId: string; ordinal: number; model: string; response: unknown; usage: TokenUsage; cost: number },
): Promise<void> => {
  await tx
    .insertInto('agent_turns')
    .values({
      agent_id: turn.agentId,
      ordinal: turn.ordinal,
      model: turn.model,
      response: JSON.stringify(turn.response),
      usage: JSON.stringify(turn.usage),
      cost: turn.cost,
    })
    .execute()
}

export const updateTurn = async (
  db: Db,
  claim: Claim,
  agentId: string,
  ordinal: number,
  change: { results: unknown } | { snapshot: string },
): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim)
    await tx
      .updateTable('agent_turns')
      .set(
        'results' in change
          ? { tool_results: JSON.stringify(change.results), finished_at: new Date() }
          : { snapshot: change.snapshot },
      )
      .where('agent_id', '=', agentId)
      .where('ordinal', '=', ordinal)
      .execute()
  })

export const endConversation = async (
  db: Db | Tx,
  agentId: string,
  state: 'done' | 'failed',
  outcome: unknown,
): Promise<void> => {
  await db
    .updateTable('agent_executions')
    .set({ state, outcome: JSON.stringify(outcome ?? null), finished_at: new Date() })
    .where('id', '=', agentId)
    .execute()
}

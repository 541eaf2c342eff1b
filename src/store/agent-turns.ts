import { sql } from 'kysely'
import { JourneymanError } from '../domain/errors.ts'
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

/**
 * The step's conversation that is still open, whoever began it, or a new one. One that ended with a failure of its own
 * stays as it is: trying the step again is another conversation.
 */
export const openConversation = async (
  db: Db,
  claim: Claim,
  opening: { address: string; role: string; model: string; request: unknown },
): Promise<{ agentId: string; request: unknown; turns: TurnRow[] }> =>
  db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim)
    const { id, request } =
      (await openedBefore(tx, claim.runId, opening.address)) ?? (await begin(tx, claim.runId, opening))
    const turns = await tx
      .selectFrom('agent_turns')
      .select(['ordinal', 'model', 'response', 'tool_results', 'snapshot', 'usage', 'cost'])
      .where('agent_id', '=', id)
      .orderBy('ordinal')
      .execute()
    return { agentId: id, request, turns }
  })

const openedBefore = (tx: Tx, runId: string, address: string) =>
  tx
    .selectFrom('agent_executions')
    .select(['id', 'request'])
    .where('run_id', '=', runId)
    .where('address', '=', address)
    .where('state', '=', 'running')
    .executeTakeFirst()

const begin = async (
  tx: Tx,
  runId: string,
  opening: { address: string; role: string; model: string; request: unknown },
): Promise<{ id: string; request: unknown }> => {
  const { before } = await tx
    .selectFrom('agent_executions')
    .select((query) => query.fn.countAll<number>().as('before'))
    .where('run_id', '=', runId)
    .where('address', '=', opening.address)
    .executeTakeFirstOrThrow()
  return tx
    .insertInto('agent_executions')
    .values({
      id: newId('agent'),
      run_id: runId,
      address: opening.address,
      attempt: Number(before) + 1,
      role: opening.role,
      model: opening.model,
      request: JSON.stringify(opening.request),
      state: 'running',
    })
    .returning(['id', 'request'])
    .executeTakeFirstOrThrow()
}

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

/** One statement, which locks the claim as `assertClaim` does. Throws `stale_epoch`. */
export const updateTurn = async (
  db: Db,
  claim: Claim,
  agentId: string,
  ordinal: number,
  change: { results: unknown } | { snapshot: string },
): Promise<void> => {
  const set =
    'results' in change
      ? sql`tool_results = ${JSON.stringify(change.results)}::jsonb, finished_at = now()`
      : sql`snapshot = ${change.snapshot}`
  const { rows } = await sql`
    with held as (
      select id from workflow_executions
      where id = ${claim.runId} and epoch = ${claim.epoch} and lease_owner = ${claim.owner} for share)
    update agent_turns set ${set} from held where agent_id = ${agentId} and ordinal = ${ordinal}
    returning ordinal`.execute(db)
  if (rows.length > 0) return
  throw new JourneymanError('stale_epoch', `Worker ${claim.owner} no longer holds run ${claim.runId}.`, {
    nextAction: 'Nothing: another worker goes on with the run.',
  })
}

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

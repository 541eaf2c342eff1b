import { sql } from 'kysely'
import { JourneymanError } from '../domain/errors.ts'
import { newId } from '../domain/ids.ts'
import type { TokenUsage } from '../domain/money.ts'
import type { Claim } from '../domain/run.ts'
import { assertClaim } from './claimed.ts'
import type { Db, Tx } from './database.ts'
import { toJson } from './json.ts'

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
 * The step's conversation, whoever began it, or a new one. One that came to its end and whose step did not (a crash
 * between the two) is the same still, and gives what it gave. One that ended with a failure of its own stays as it is:
 * trying the step again is another conversation.
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
    .where('state', 'in', ['running', 'done'])
    .orderBy('attempt', 'desc')
    .limit(1)
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
      request: toJson(opening.request),
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
      response: toJson(turn.response),
      usage: toJson(turn.usage),
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
      ? sql`tool_results = ${toJson(change.results)}::jsonb, finished_at = now()`
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

/** Throws `stale_epoch`: a conversation is ended by whoever holds it. */
export const endConversation = async (
  db: Db,
  claim: Claim,
  agentId: string,
  state: 'done' | 'failed',
  outcome: unknown,
): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim)
    await tx
      .updateTable('agent_executions')
      .set({ state, outcome: toJson(outcome ?? null), finished_at: sql`now()` })
      .where('id', '=', agentId)
      .execute()
  })

/** Tokens that a run's conversations have used, but for the one that is open at that step. What came from the cache was counted when it was first read. */
export const tokensOfOthers = async (db: Db, runId: string, address: string): Promise<number> => {
  const { rows } = await sql<{ tokens: number }>`
    select coalesce(sum((usage->>'input')::bigint + (usage->>'output')::bigint + (usage->>'cacheWrite')::bigint), 0) as tokens
    from agent_turns join agent_executions as agent on agent.id = agent_id
    where agent.run_id = ${runId} and not (agent.address = ${address} and agent.state in ('running', 'done'))`.execute(
    db,
  )
  return Number(rows[0]?.tokens ?? 0)
}

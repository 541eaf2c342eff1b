import { sql } from 'kysely'
import { costOf, type MicroUsd, type ModelPrice, noUsage, type TokenUsage } from '../domain/money.ts'
import type { Db, Tx } from '../store/database.ts'
import { chargeCaps } from './budgets.ts'

export type Settled = { usage: TokenUsage; cost: MicroUsd }

/**
 * Ends a reservation with what the call did cost, in the transaction that also writes what it brought; `assertClaim`
 * comes first in it. Where the usage or the price is not known, the whole reserve is charged. A second time changes
 * nothing and gives what the first one gave, also when another worker has forfeited the reservation in between.
 */
export const settle = (
  tx: Tx,
  reservationId: string,
  usage: TokenUsage | null,
  price: ModelPrice | null,
): Promise<Settled> =>
  endReservation(tx, reservationId, (reserved) => {
    if (usage && price) return { state: 'settled', usage, cost: costOf(usage, price), note: null }
    const note = `the ${usage ? 'price' : 'usage'} is not known: the whole reserve is charged`
    return { state: 'settled', usage, cost: reserved, note }
  })

/** Ends a reservation whose call was refused before any work was done (429, 529, 4xx): nothing is charged. */
export const releaseFree = (tx: Tx, reservationId: string, note: string): Promise<Settled> =>
  endReservation(tx, reservationId, () => ({ state: 'settled', usage: noUsage, cost: 0, note }))

/** Ends a reservation whose call may or may not have cost something: all of it stays charged. */
export const forfeit = (tx: Tx, reservationId: string, note: string): Promise<Settled> =>
  endReservation(tx, reservationId, (reserved) => ({ state: 'forfeited', usage: null, cost: reserved, note }))

/**
 * For whoever claims a run: forfeits what a killed worker left reserved, since its calls may have been answered and paid.
 * With an agent's id, only what that agent left. Gives how many.
 */
export const forfeitAbandoned = async (tx: Tx, runId: string, agentId?: string): Promise<number> => {
  let open = tx
    .selectFrom('cost_tracking')
    .select('id')
    .where('run_id', '=', runId)
    .where('state', '=', 'reserved')
    .orderBy('id')
    .forUpdate()
  if (agentId !== undefined) open = open.where('agent_id', '=', agentId)
  const rows = await open.execute()
  for (const { id } of rows) await forfeit(tx, id, 'left by a worker that lost the run')
  return rows.length
}

export const hasReserved = async (db: Db, runId: string): Promise<boolean> => {
  const row = await db
    .selectFrom('cost_tracking')
    .select('id')
    .where('run_id', '=', runId)
    .where('state', '=', 'reserved')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

type Ending = {
  state: 'settled' | 'forfeited'
  usage: TokenUsage | null
  cost: MicroUsd
  note: string | null
}

const endReservation = async (
  tx: Tx,
  reservationId: string,
  ending: (reserved: MicroUsd) => Ending,
): Promise<Settled> => {
  const row = await tx
    .selectFrom('cost_tracking')
    .select(['run_id', 'month', 'state', 'reserved', 'cost', 'usage'])
    .where('id', '=', reservationId)
    .forUpdate()
    .executeTakeFirstOrThrow()
  if (row.state !== 'reserved') return { usage: row.usage ?? noUsage, cost: row.cost ?? row.reserved }
  const { state, usage, cost, note } = ending(row.reserved)
  await chargeCaps(tx, row, cost)
  await tx
    .updateTable('cost_tracking')
    .set({ state, cost, note, usage: usage && JSON.stringify(usage), settled_at: sql<Date>`now()` })
    .where('id', '=', reservationId)
    .execute()
  return { usage: usage ?? noUsage, cost }
}

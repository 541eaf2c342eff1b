import type { Kysely } from 'kysely'
import type { Event } from '../domain/event.ts'
import type { Tx } from './database.ts'
import { toJson } from './json.ts'
import type { Tables } from './schema.ts'

export type DeliveryRow = {
  id: string
  provider: string
  deliveryId: string
  type: string
  bodyHash: string
  body: string
  disposition: 'started' | 'joined' | 'signalled' | 'ignored'
  reason: string | null
}

/** Inserts those that are new and tells which were: the others are known by their delivery id. */
export const insertDeliveries = async (tx: Tx, deliveries: DeliveryRow[]): Promise<Set<string>> => {
  const rows = await tx
    .insertInto('deliveries')
    .values(
      deliveries.map((delivery) => ({
        id: delivery.id,
        provider: delivery.provider,
        delivery_id: delivery.deliveryId,
        type: delivery.type,
        body_hash: delivery.bodyHash,
        body: delivery.body,
        disposition: delivery.disposition,
        reason: delivery.reason,
      })),
    )
    .onConflict((conflict) => conflict.columns(['provider', 'delivery_id']).doNothing())
    .returning('id')
    .execute()
  return new Set(rows.map((row) => row.id))
}

/** body hash -> delivery id of what arrived before with the very same body. */
export const findBodies = async (tx: Tx, provider: string, hashes: string[]): Promise<Map<string, string>> => {
  const rows = await tx
    .selectFrom('deliveries')
    .select(['body_hash', 'delivery_id'])
    .where('provider', '=', provider)
    .where('body_hash', 'in', hashes)
    .execute()
  return new Map(rows.map((row) => [row.body_hash, row.delivery_id]))
}

export type KnownDelivery = { disposition: string; reason: string | null; runs: string[] }

/** What became of a delivery; null when it never arrived. */
export const getDelivery = async (
  db: Kysely<Tables>,
  provider: string,
  deliveryId: string,
): Promise<KnownDelivery | null> => {
  const row = await db
    .selectFrom('deliveries')
    .select(['id', 'disposition', 'reason'])
    .where('provider', '=', provider)
    .where('delivery_id', '=', deliveryId)
    .executeTakeFirst()
  if (!row) return null
  const runs = await db.selectFrom('delivery_runs').select('run_id').where('delivery', '=', row.id).execute()
  return { disposition: row.disposition, reason: row.reason, runs: runs.map((run) => run.run_id) }
}

/** Of these ids, the ones that have arrived. */
export const knownDeliveries = async (
  db: Kysely<Tables>,
  provider: string,
  deliveryIds: string[],
): Promise<Set<string>> => {
  if (deliveryIds.length === 0) return new Set()
  const rows = await db
    .selectFrom('deliveries')
    .select('delivery_id')
    .where('provider', '=', provider)
    .where('delivery_id', 'in', deliveryIds)
    .execute()
  return new Set(rows.map((row) => row.delivery_id))
}

export type DeliveryLink = {
  delivery: string
  runId: string
  role: 'started' | 'joined' | 'signalled'
  event?: Event
  /** Joined a run whose stop had been asked for. */
  late?: boolean
}

export const linkDeliveries = async (tx: Tx, links: DeliveryLink[]): Promise<void> => {
  if (links.length === 0) return
  await tx
    .insertInto('delivery_runs')
    .values(
      links.map((link) => ({
        delivery: link.delivery,
        run_id: link.runId,
        role: link.role,
        event: link.event ? toJson(link.event) : null,
        late: link.late ?? false,
      })),
    )
    .onConflict((conflict) => conflict.columns(['delivery', 'run_id']).doNothing())
    .execute()
}

export const setDisposition = async (
  tx: Tx,
  ids: string[],
  disposition: 'joined' | 'signalled' | 'ignored',
  reason: string | null,
): Promise<void> => {
  if (ids.length === 0) return
  await tx.updateTable('deliveries').set({ disposition, reason }).where('id', 'in', ids).execute()
}

/** When it came, by the database's clock; null where there is no such row. */
export const receivedAt = async (db: Kysely<Tables>, id: string): Promise<Date | null> => {
  const row = await db.selectFrom('deliveries').select('received_at').where('id', '=', id).executeTakeFirst()
  return row?.received_at ?? null
}

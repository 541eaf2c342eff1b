import { sql } from 'kysely'
import type { Event } from '../domain/event.ts'
import type { Claim } from '../domain/run.ts'
import { assertClaim } from './claimed.ts'
import type { Db, Tx } from './database.ts'
import { toJson } from './json.ts'
import { wakeRuns } from './runs.ts'

/** An event that came for a run that exists: kept until a step takes it. */
export type Signal = { id: number; event: Event; takenBy: string | null; receivedAt: Date }

/**
 * For each of the events, the live runs that may wait for it: about the same subject, or about the change that they have
 * opened, or are just opening (its checks may be over before we have the answer). One look for all of them.
 */
export const runsWaitingFor = async (tx: Tx, events: Event[]): Promise<Map<Event, string[]>> => {
  const places = events.flatMap(({ name, repository, subject, fields }, index) =>
    repository === null || subject === null
      ? []
      : [{ index, name, repository, kind: subject.kind, key: subject.key, branch: fields['source_branch'] ?? null }],
  )
  const found = new Map<Event, string[]>()
  if (places.length === 0) return found
  const { rows } = await sql<{ index: number; id: string }>`
    select place.index, run.id
    from jsonb_to_recordset(${toJson(places)}::jsonb) as place (index int, name text, repository text, kind text, key text, branch text)
    join workflow_executions as run on run.repository = place.repository and run.waits_for @> to_jsonb(place.name)
      and (run.subject = place.kind || '/' || place.key
        or (place.kind = 'change' and run.links->'change'->>'number' = place.key)
        or (place.branch is not null and run.links->'change' is null and exists (
          select 1 from effects where effects.run_id = run.id and effects.key = 'pull_request:' || place.branch)))
    where run.state in ('queued', 'running', 'parked') and run.waits_for <> '[]'
    order by run.id`.execute(tx)
  for (const { index, id } of rows) {
    const event = events[index] as Event
    found.set(event, [...(found.get(event) ?? []), id])
  }
  return found
}

export type NewSignal = {
  runId: string
  delivery: string | null
  event: Event
  /** Which of the delivery's events it is. */
  ordinal?: number
}

/**
 * Gives events to runs and wakes them; gives the runs that are still live and so have got theirs. The caller has locked
 * them, in the order of their ids, and enqueues their jobs. An event of a delivery is given to a run once.
 */
export const addSignals = async (tx: Tx, signals: NewSignal[]): Promise<Set<string>> => {
  if (signals.length === 0) return new Set()
  const woken = await wakeRuns(tx, [...new Set(signals.map((signal) => signal.runId))])
  const given = signals.filter((signal) => woken.has(signal.runId))
  if (given.length === 0) return woken
  await tx
    .insertInto('signals')
    .values(
      given.map(({ runId, delivery, event, ordinal }) => ({
        run_id: runId,
        delivery,
        ordinal: ordinal ?? 0,
        event: toJson(event),
      })),
    )
    .onConflict((conflict) => conflict.columns(['run_id', 'delivery', 'ordinal']).doNothing())
    .execute()
  return woken
}

/** What has come for a run, oldest first. */
export const signalsOf = async (db: Db, runId: string): Promise<Signal[]> => {
  const rows = await db.selectFrom('signals').selectAll().where('run_id', '=', runId).orderBy('id').execute()
  return rows.map((row) => ({
    id: Number(row.id),
    event: row.event,
    takenBy: row.taken_by,
    receivedAt: row.received_at,
  }))
}

/**
 * false where another step has taken it meanwhile. The step that took it once has it, in whatever process it goes on. Throws
 * `stale_epoch`.
 */
export const takeSignal = (db: Db, claim: Claim, id: number, address: string): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim)
    const taken = await tx
      .updateTable('signals')
      .set({ taken_by: address })
      .where('id', '=', id)
      .where((is) => is.or([is('taken_by', 'is', null), is('taken_by', '=', address)]))
      .returning('id')
      .executeTakeFirst()
    return taken !== undefined
  })

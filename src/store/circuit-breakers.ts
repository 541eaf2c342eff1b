import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Failure } from '../domain/errors.ts'
import type { Db } from './database.ts'
import { toJson } from './json.ts'
import { inSeconds } from './runs.ts'
import type { Tables } from './schema.ts'

/**
 * What all workers know of an outside service, in one row:
 *
 *   closed     calls pass. `failures` counts those in a row that say the service is ill.
 *   open       nobody calls until `retry_at`.
 *   half_open  one caller has the probe. `retry_at` is when its claim lapses, should its process die.
 *
 *   closed -> open          a failure was the last that is allowed
 *   open -> half_open       `retry_at` has come, and one caller's statement was the first to find it so
 *   half_open -> half_open  the probe's claim has lapsed: the same again
 *   half_open -> closed     the probe was answered
 *   half_open -> open       the probe failed: for twice as long as the last time. It learned nothing: for no time at all
 *
 * A service that has no row is well. Only the owner of the probe ends it; calls that were under way when the breaker opened
 * change nothing until it has closed. So `failures` goes on counting the openings, and gives their length. Each change is one
 * statement on one locked row, and all times are the database's.
 */
export type Breaker = {
  service: string
  state: 'closed' | 'open' | 'half_open'
  /** In a row. */
  failures: number
  /** When the service was first found ill; null while it is well. */
  openedAt: Date | null
  /** When one call may try whether it is back. */
  retryAt: Date | null
  /** The same from now on, by the database's clock; 0 when the time has come, or there is none. */
  retryInMs: number
  lastFailure: Failure | null
}

export type BreakerSettings = { failures: number; openSeconds: number; mostOpenSeconds: number }

/** All that anything is known of; a handful of rows. */
export const loadBreakers = async (db: Db): Promise<Breaker[]> => {
  const rows = await db
    .selectFrom('circuit_breakers')
    .selectAll()
    .select(retryInMs.as('retry_in_ms'))
    .orderBy('service')
    .execute()
  return rows.map(breakerOf)
}

/** The services that are not called at present, for people. */
export const openBreakers = async (db: Db): Promise<Breaker[]> =>
  (await loadBreakers(db)).filter((breaker) => breaker.state !== 'closed')

/** Counts a failure of a call that was no probe; gives the breaker where that opened it. */
export const countFailure = async (
  db: Db,
  service: string,
  failure: Failure,
  settings: BreakerSettings,
): Promise<Breaker | null> => {
  const next = sql<number>`circuit_breakers.failures + 1`
  const isLast = sql<boolean>`circuit_breakers.failures + 1 >= ${settings.failures}::int`
  const firstIsLast = settings.failures <= 1
  const last_failure = toJson(failure)
  const row = await db
    .insertInto('circuit_breakers')
    .values({
      service,
      failures: 1,
      state: firstIsLast ? 'open' : 'closed',
      opened_at: firstIsLast ? sql<Date>`now()` : null,
      retry_at: firstIsLast ? openUntil(settings, sql`0`) : null,
      last_failure,
    })
    .onConflict((conflict) =>
      conflict
        .column('service')
        .doUpdateSet({
          failures: next,
          state: sql`case when ${isLast} then 'open' else 'closed' end`,
          opened_at: sql`case when ${isLast} then now() end`,
          retry_at: sql`case when ${isLast} then ${openUntil(settings, sql`0`)} end`,
          last_failure,
          updated_at: sql`now()`,
        })
        .where('circuit_breakers.state', '=', 'closed'),
    )
    .returningAll()
    .returning(retryInMs.as('retry_in_ms'))
    .executeTakeFirst()
  return row ? breakerOf(row) : null
}

/** The row of failures is over. */
export const countSuccess = async (db: Db, service: string): Promise<void> => {
  await db
    .updateTable('circuit_breakers')
    .set({ failures: 0, updated_at: sql`now()` })
    .where('service', '=', service)
    .where('state', '=', 'closed')
    .where('failures', '>', 0)
    .execute()
}

/** Takes the probe if its time has come and nobody has it. `owner` names this one probe, not the process that makes it. */
export const claimProbe = async (db: Db, service: string, owner: string, leaseSeconds: number): Promise<boolean> => {
  const row = await db
    .updateTable('circuit_breakers')
    .set({ state: 'half_open', probe_owner: owner, retry_at: inSeconds(leaseSeconds), updated_at: sql`now()` })
    .where('service', '=', service)
    .where('state', 'in', ['open', 'half_open'])
    .where('retry_at', '<=', sql<Date>`now()`)
    .returning('service')
    .executeTakeFirst()
  return row !== undefined
}

/** false where the probe is somebody else's by now. */
export const renewProbe = async (db: Db, service: string, owner: string, leaseSeconds: number): Promise<boolean> => {
  const row = await db
    .updateTable('circuit_breakers')
    .set({ retry_at: inSeconds(leaseSeconds) })
    .where('service', '=', service)
    .where('probe_owner', '=', owner)
    .returning('service')
    .executeTakeFirst()
  return row !== undefined
}

/** What came of the probe; null where it is somebody else's by now, and so nothing was changed. */
export const endProbe = async (
  db: Db,
  service: string,
  owner: string,
  came: { of: 'well' } | { of: 'unknown' } | { of: 'ill'; failure: Failure; settings: BreakerSettings },
): Promise<Breaker | null> => {
  const row = await db
    .updateTable('circuit_breakers')
    .set({ probe_owner: null, updated_at: sql`now()`, ...changesAfter(came) })
    .where('service', '=', service)
    .where('probe_owner', '=', owner)
    .returningAll()
    .returning(retryInMs.as('retry_in_ms'))
    .executeTakeFirst()
  return row ? breakerOf(row) : null
}

const changesAfter = (came: Parameters<typeof endProbe>[3]) => {
  if (came.of === 'well') return { state: 'closed' as const, failures: 0, opened_at: null, retry_at: null }
  if (came.of === 'unknown') return { state: 'open' as const, retry_at: sql<Date>`now()` }
  return {
    state: 'open' as const,
    failures: sql<number>`failures + 1`,
    retry_at: openUntil(came.settings, sql`failures + 1 - ${came.settings.failures}::int`),
    last_failure: toJson(came.failure),
  }
}

/** The end of an opening that comes after so many others. */
const openUntil = ({ openSeconds, mostOpenSeconds }: BreakerSettings, before: RawBuilder<unknown>) =>
  sql<Date>`now() + make_interval(secs => least(${mostOpenSeconds}::float8,
    ${openSeconds}::float8 * power(2::float8, greatest(0, least(20, ${before})))))`

const retryInMs = sql<number>`greatest(0, coalesce(extract(epoch from retry_at - now()) * 1000, 0))::float8`

const breakerOf = (row: Selectable<Tables['circuit_breakers']> & { retry_in_ms: number }): Breaker => ({
  service: row.service,
  state: row.state,
  failures: row.failures,
  openedAt: row.opened_at,
  retryAt: row.retry_at,
  retryInMs: row.retry_in_ms,
  lastFailure: row.last_failure,
})

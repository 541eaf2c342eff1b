import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Database, Db } from '../store/database.ts'
import type { Lane } from './contract.ts'

/**
 * Calls `work` every so often on one process at a time, finer than cron can. Each process has a timer; who may go is
 * decided in the database: a mark per lane, taken when the last turn is long enough ago and nobody is at it. The turn is
 * a short lease, renewed while the work goes on, so that a killed process holds up nobody for long.
 */
export const runEvery = (
  database: Database,
  lane: Lane,
  seconds: number,
  work: () => Promise<void>,
  failed: (error: unknown) => void,
): { stop: () => Promise<void> } => {
  const owner = randomUUID()
  let current: Promise<void> | undefined
  const turn = async (): Promise<void> => {
    if (!(await takeTurn(database.db, lane, seconds, owner))) return
    const renewing = setInterval(() => {
      renewTurn(database.db, lane, seconds, owner).catch(failed)
    }, seconds * 1000)
    try {
      await work()
    } finally {
      clearInterval(renewing)
      await endTurn(database.db, lane, owner)
    }
  }
  const timer = setInterval(() => {
    current ??= turn()
      .catch(failed)
      .finally(() => {
        current = undefined
      })
  }, seconds * 1000)
  return {
    stop: async () => {
      clearInterval(timer)
      await current
    },
  }
}

const nameOf = (lane: Lane): string => `every:${lane}`
const leaseSeconds = (seconds: number): number => Math.max(3 * seconds, 3)

/** A timer may be a little early: nine tenths of the time count as the whole. */
const takeTurn = async (db: Db, lane: Lane, seconds: number, owner: string): Promise<boolean> => {
  const { rows } = await sql`
    insert into marks as m (name, value) values (${nameOf(lane)}, ${turnOf(owner, seconds)})
    on conflict (name) do update set value = excluded.value, updated_at = now()
      where m.updated_at <= now() - make_interval(secs => ${seconds * 0.9})
        and coalesce((m.value ->> 'until')::timestamptz <= now(), true)
    returning name`.execute(db)
  return rows.length > 0
}

const renewTurn = async (db: Db, lane: Lane, seconds: number, owner: string): Promise<void> => {
  await sql`update marks set value = ${turnOf(owner, seconds)}
    where name = ${nameOf(lane)} and value ->> 'owner' = ${owner}`.execute(db)
}

const endTurn = async (db: Db, lane: Lane, owner: string): Promise<void> => {
  await sql`update marks set value = '{}'
    where name = ${nameOf(lane)} and value ->> 'owner' = ${owner}`.execute(db)
}

const turnOf = (owner: string, seconds: number) =>
  sql`jsonb_build_object('owner', ${owner}::text, 'until', now() + make_interval(secs => ${leaseSeconds(seconds)}))`

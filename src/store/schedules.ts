import { sql } from 'kysely'
import type { Db, Tx } from './database.ts'
import { toJson } from './json.ts'

/** Until when a schedule has been seen to, and the database's time. One that was never seen counts from now. */
export const startSchedule = async (db: Db, name: string): Promise<{ until: Date; now: Date }> => {
  const found = await look(db, name)
  if (found) return found
  await sql`insert into marks (name, value) values (${markOf(name)}, jsonb_build_object('until', now()))
    on conflict (name) do nothing`.execute(db)
  const { until, now } = (await look(db, name))!
  return { until, now }
}

/**
 * Moves the mark to the due minute that `dueSince` finds, and gives it; null when there is none (any more). Whoever else
 * would fire the same waits for the row until this transaction ends, and then sees the mark where it is.
 */
export const moveSchedule = async (
  tx: Tx,
  name: string,
  dueSince: (until: Date, now: Date) => Date | null,
): Promise<Date | null> => {
  const found = await look(tx, name, true)
  const minute = found && dueSince(found.until, found.now)
  if (!minute) return null
  await tx
    .updateTable('marks')
    .set({ value: toJson({ until: minute.toISOString() }), updated_at: sql`now()` })
    .where('name', '=', markOf(name))
    .execute()
  return minute
}

const look = async (db: Db, name: string, locked = false): Promise<{ until: Date; now: Date } | null> => {
  const { rows } = await sql<{ until: Date; now: Date }>`
    select (value ->> 'until')::timestamptz as until, clock_timestamp() as now
    from marks where name = ${markOf(name)} ${locked ? sql`for update` : sql``}`.execute(db)
  return rows[0] ?? null
}

const markOf = (name: string): string => `schedule:${name}`

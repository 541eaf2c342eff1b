import { sql } from 'kysely'
import type { Db } from '../store/database.ts'

/** Whether nothing is at work or about to be, of what brings runs on: what waits for a later time does not count. */
export const isQuiet = async (db: Db): Promise<boolean> => {
  const { rows } = await sql`
    select 1 from pgboss.job
    where name in ('acknowledge', 'advance-run') and state in ('created', 'retry', 'active') and start_after <= now()
    limit 1`.execute(db)
  return rows.length === 0
}

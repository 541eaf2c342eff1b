import type { Db as BossDatabase } from 'pg-boss'
import type { Database } from '../store/database.ts'

/** A database of ours as pg-boss wants it. Its notifications go to `heard`, which wakes one worker instead of all. */
export const bossDatabase = (
  database: Database,
  heard: (lane: string) => void,
  reconnected: () => void,
): BossDatabase => ({
  executeSql: (text, values) => database.query(text, values),
  listen: (channel) => database.listen(channel, heard, reconnected),
})

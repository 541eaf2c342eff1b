import { sql } from 'kysely'
import type { Db } from './database.ts'
import { toJson } from './json.ts'

/** Small facts that outlive a process. null when there is none of that name. */
export const getMark = async (db: Db, name: string): Promise<unknown> => {
  const row = await db.selectFrom('marks').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value ?? null
}

export const setMark = async (db: Db, name: string, value: unknown): Promise<void> => {
  const json = toJson(value)
  await db
    .insertInto('marks')
    .values({ name, value: json })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: json, updated_at: sql`now()` }))
    .execute()
}

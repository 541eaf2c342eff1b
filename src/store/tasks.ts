import { sql } from 'kysely'
import type { Task } from '../domain/task.ts'
import type { Db } from './database.ts'
import { toJson } from './json.ts'

/** The last reading of a ticket, for lists and for people; what decides anything is read live. */
export const saveTask = async (db: Db, provider: string, repository: string | null, task: Task): Promise<void> => {
  const data = toJson(task)
  await db
    .insertInto('tasks')
    .values({ provider, key: `${task.project}#${task.key}`, repository, data })
    .onConflict((conflict) => conflict.columns(['provider', 'key']).doUpdateSet({ data, updated_at: sql`now()` }))
    .execute()
}

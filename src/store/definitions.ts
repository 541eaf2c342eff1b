import { JourneymanError } from '../domain/errors.ts'
import type { Db } from './database.ts'
import { toJson } from './json.ts'

export type PinnedDefinition = { hash: string; name: string; source: string; prompts: Record<string, string> }

/** Keeps a definition for the runs that will start with it. The same hash is the same text, so twice is once. */
export const saveDefinition = async (db: Db, definition: PinnedDefinition): Promise<void> => {
  await db
    .insertInto('workflow_definitions')
    .values({ ...definition, prompts: toJson(definition.prompts) })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .execute()
}

/** Throws `internal`: a run's definition cannot be missing, its row refers to it. */
export const getDefinition = async (db: Db, hash: string): Promise<PinnedDefinition> => {
  const row = await db
    .selectFrom('workflow_definitions')
    .select(['hash', 'name', 'source', 'prompts'])
    .where('hash', '=', hash)
    .executeTakeFirst()
  if (!row) throw new JourneymanError('internal', `The definition ${hash} is not in the database.`)
  return row
}

import { sql } from 'kysely'
import { type Claim, liveStates } from '../domain/run.ts'
import type { Db } from './database.ts'

/** No more than these are looked at: one that wants the slot is enough. */
const most = 20

/** The live runs that wait for the slot of that key and were started after this one, each with its definition; the newest first. */
export const laterRunsFor = async (db: Db, claim: Claim, key: string): Promise<{ id: string; definition: string }[]> =>
  db
    .selectFrom('workflow_executions')
    .select(['id', 'definition_hash as definition'])
    .where('concurrency_key', '=', key)
    .where('state', 'in', [...liveStates])
    .where('stop_requested_by', 'is', null)
    .where(
      sql<boolean>`(created_at, id) > (select mine.created_at, mine.id from workflow_executions as mine where mine.id = ${claim.runId})`,
    )
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(most)
    .execute()

import { sql } from 'kysely'
import { liveStates, type Run, type RunState } from '../domain/run.ts'
import type { Db } from './database.ts'
import { runOf } from './runs.ts'

/** Runs whose id begins so, newest first. `beginning` holds nothing that a pattern would take for more than itself. */
export const findRuns = async (db: Db, beginning: string, limit: number): Promise<Run[]> => {
  const rows = await db
    .selectFrom('workflow_executions')
    .selectAll()
    .where(sql<boolean>`starts_with(id, ${beginning})`)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(runOf)
}

export type RunFilter = { states?: RunState[]; workflow?: string; repository?: string; subject?: string; limit: number }

/** For people: the live ones first, the newest first among both. */
export const findRunsFor = async (db: Db, filter: RunFilter): Promise<Run[]> => {
  let query = db.selectFrom('workflow_executions').selectAll().limit(filter.limit)
  if (filter.states !== undefined) query = query.where('state', 'in', filter.states)
  if (filter.workflow !== undefined) query = query.where('workflow', '=', filter.workflow)
  if (filter.repository !== undefined)
    query = query.where(sql<boolean>`lower(repository) = ${filter.repository.toLowerCase()}`)
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject)
  const rows = await query
    .orderBy(sql`state in (${sql.join(liveStates)})`, 'desc')
    .orderBy('created_at', 'desc')
    .execute()
  return rows.map(runOf)
}

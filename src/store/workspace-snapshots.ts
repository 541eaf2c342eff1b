import { sql } from 'kysely'
import { liveStates } from '../domain/run.ts'
import type { Db } from './database.ts'
import { retriable } from './reaping.ts'

/** A snapshot of a work tree, as a git bundle that builds upon its parent: the one stored before it, or the base commit. */
export type StoredSnapshot = { commit: string; parent: string | null; bundle: Buffer }

/** A longer way back to the base commit is none that we have made. */
const mostLinks = 100_000

/** Twice is once. Needs no claim: what it keeps is named by its content, and harms nobody who does not ask for it. */
export const putSnapshot = async (db: Db, runId: string, snapshot: StoredSnapshot): Promise<void> => {
  const { commit, parent, bundle } = snapshot
  await db
    .insertInto('workspace_snapshots')
    .values({ run_id: runId, commit_id: commit, parent_id: parent, bundle })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export const holdsSnapshot = async (db: Db, runId: string, commit: string): Promise<boolean> => {
  const row = await db
    .selectFrom('workspace_snapshots')
    .select('commit_id')
    .where('run_id', '=', runId)
    .where('commit_id', '=', commit)
    .executeTakeFirst()
  return row !== undefined
}

/** The bundles that lead from the base commit to this one, in that order; empty where it is not stored. */
export const snapshotChain = async (db: Db, runId: string, commit: string): Promise<StoredSnapshot[]> => {
  const { rows } = await sql<{ commit_id: string; parent_id: string | null; bundle: Buffer | Uint8Array }>`
    with recursive chain as (
      select commit_id, parent_id, bundle, 1 as link from workspace_snapshots
      where run_id = ${runId} and commit_id = ${commit}
      union all
      select one.commit_id, one.parent_id, one.bundle, link + 1
      from workspace_snapshots as one join chain on one.commit_id = chain.parent_id
      where one.run_id = ${runId} and link < ${mostLinks})
    select commit_id, parent_id, bundle from chain order by link desc`.execute(db)
  return rows.map((row) => ({ commit: row.commit_id, parent: row.parent_id, bundle: Buffer.from(row.bundle) }))
}

/** Of runs that have ended nothing is kept, but for those that may be tried again. */
export const forgetSnapshots = async (db: Db, keepHours: number): Promise<void> => {
  await sql`
    delete from workspace_snapshots using workflow_executions as run
    where run.id = run_id and run.state not in (${sql.join([...liveStates])}) and not ${retriable(keepHours)}`.execute(
    db,
  )
}

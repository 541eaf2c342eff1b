import { sql } from 'kysely'
import { newId } from '../domain/ids.ts'
import type { Db } from './database.ts'

export type ProjectFacts = {
  provider: string
  repository: string
  repositoryUrl: string
  defaultBranch: string | null
  installation: string | null
}

/** A repository that a run was about, as last seen. */
export const saveProject = async (db: Db, project: ProjectFacts): Promise<void> => {
  const facts = {
    repository_url: project.repositoryUrl,
    default_branch: project.defaultBranch,
    installation: project.installation,
  }
  await db
    .insertInto('projects')
    .values({ id: newId('prj'), provider: project.provider, repository: project.repository, ...facts })
    .onConflict((conflict) =>
      conflict.columns(['provider', 'repository']).doUpdateSet({ ...facts, updated_at: sql`now()` }),
    )
    .execute()
}

/** A repository that a run was about before, however its name is capitalised; without a name the only one that there is. */
export const findProject = async (
  db: Db,
  repository: string | undefined,
): Promise<{ repository: string; repositoryUrl: string; installation: string | null } | null> => {
  let query = db.selectFrom('projects').select(['repository', 'repository_url', 'installation'])
  if (repository !== undefined) query = query.where(sql<boolean>`lower(repository) = ${repository.toLowerCase()}`)
  const [one, another] = await query.orderBy('updated_at', 'desc').limit(2).execute()
  if (!one || (repository === undefined && another)) return null
  return { repository: one.repository, repositoryUrl: one.repository_url, installation: one.installation }
}

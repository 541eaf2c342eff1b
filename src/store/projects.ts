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

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { migrate } from '../src/store/migrate.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { startPostgres } from './embedded-postgres.ts'

/** What `databases.ts` copies for each test. */
declare module 'vitest' {
  export interface ProvidedContext {
    templates: { pgliteFolder: string; postgresUrl: string | null; postgresTemplate: string }
  }
}

const postgresTemplate = 'journeyman_template'

/** Prepares, once for all test files, a migrated folder of the embedded database and a migrated database on PostgreSQL. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const pgliteFolder = await mkdtemp(join(tmpdir(), 'journeyman-pglite-'))
  const [server] = await Promise.all([startPostgres(), prepare({ url: null, dataDir: pgliteFolder })])
  if (server) await preparePostgres(server.url, pgliteFolder)
  else console.warn(`No PostgreSQL binaries for ${process.platform} ${process.arch}: tests on PostgreSQL are skipped.`)
  project.provide('templates', { pgliteFolder, postgresUrl: server?.url ?? null, postgresTemplate })
  return async () => {
    await server?.stop()
    await rm(pgliteFolder, { recursive: true, force: true })
  }
}

const preparePostgres = async (url: string, dataDir: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create database ${postgresTemplate}`)
  await client.end()
  await prepare({ url: url.replace(/\/postgres$/, `/${postgresTemplate}`), dataDir })
}

const prepare = async (where: { url: string | null; dataDir: string }): Promise<void> => {
  const database = await openDatabase({ ...where, poolSize: 2 })
  try {
    await migrate(database)
  } finally {
    await database.close()
  }
}

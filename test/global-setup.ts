import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { createQueue } from '../src/queue/queue.ts'
import { migrate } from '../src/store/migrate.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { claudeValidator } from '../src/world/validate/claude-validator.ts'
import { startPostgres } from './embedded-postgres.ts'
import { makeScratchRoot } from './scratch-root.ts'

/** What `databases.ts` copies for each test. */
declare module 'vitest' {
  export interface ProvidedContext {
    templates: { scratch: string; pgliteFolder: string; postgresUrl: string | null; postgresTemplate: string }
  }
}

const postgresTemplate = 'journeyman_template'

const withoutClaudeDescription =
  'The vendor\u2019s description of Claude does not lie beside this clone: requests to it are checked by the stand-in\u2019s own rules alone.'

/** Prepares, once for all test files, the embedded database and PostgreSQL with all tables, to be copied. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  // What fails here ends the test run, and with it the guard of this folder removes all that was started.
  const root = await makeScratchRoot()
  const pgliteFolder = join(root.folder, 'template')
  const [server] = await Promise.all([
    startPostgres(join(root.folder, 'postgres')),
    prepare({ url: null, dataDir: pgliteFolder }),
  ])
  if (server) await preparePostgres(server.url, pgliteFolder)
  else console.warn(`No PostgreSQL binaries for ${process.platform} ${process.arch}: tests on PostgreSQL are skipped.`)
  if (!(await claudeValidator())) console.warn(withoutClaudeDescription)
  const postgresUrl = server?.url ?? null
  project.provide('templates', { scratch: root.folder, pgliteFolder, postgresUrl, postgresTemplate })
  return async () => {
    await server?.stop()
    await root.remove()
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
    // Makes the queue's tables, which take longest.
    const queue = createQueue(database)
    await queue.start()
    await queue.stop({ graceMs: 1_000 })
  } finally {
    await database.close()
  }
}

import { randomUUID } from 'node:crypto'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, describe, inject, onTestFinished } from 'vitest'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { scratchFolder } from './scratch-folder.ts'

/** An open, migrated, empty database, with what another process or a second opening needs to reach it. */
export type TestDatabase = Database & {
  /** null for the embedded one. */
  url: string | null
  dataDir: string
}

/** `poolSize` is for PostgreSQL; `migrated: false` gives one without any table. */
export type OpenTestDatabase = (options?: { poolSize?: number; migrated?: boolean }) => Promise<TestDatabase>

/**
 * Runs one suite on the embedded database and on PostgreSQL. `open` gives a fresh copy of a migrated database each time;
 * it is closed and removed after the test, or after the suite when it is opened in `beforeAll`. The embedded one takes half
 * a second of work to open: where tests do not mind each other's rows, open it once, in `beforeAll`.
 */
export const describeOnEachDatabase = (
  name: string,
  suite: (open: OpenTestDatabase, kind: Database['kind']) => void,
): void => {
  describe(`${name} (pglite)`, () => suite(cleaningUp(openTestPglite), 'pglite'))
  describe.skipIf(inject('templates').postgresUrl === null)(`${name} (postgres)`, () =>
    suite(cleaningUp(openTestPostgres), 'postgres'),
  )
}

type Opened = { database: TestDatabase; remove: () => Promise<void> }

/** A migrated embedded database in that data folder, not open: for tests that open it themselves, or in another process. */
export const copyPgliteTemplate = (dataDir: string): Promise<void> =>
  cp(join(inject('templates').pgliteFolder, 'pglite'), join(dataDir, 'pglite'), { recursive: true })

/** Closes and removes what was opened: after the test, or after the suite when it was opened outside a test. */
const cleaningUp = (open: (options?: Parameters<OpenTestDatabase>[0]) => Promise<Opened>): OpenTestDatabase => {
  const ofSuite: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const end of ofSuite.reverse()) await end()
  })
  return async (options) => {
    const { database, remove } = await open(options)
    const end = async () => {
      await database.close()
      await remove()
    }
    try {
      onTestFinished(end)
    } catch {
      ofSuite.push(end)
    }
    return database
  }
}

/** A migrated, empty database that nobody has opened yet: for a process that opens it itself. */
export type PreparedDatabase = { url: string | null; dataDir: string; remove: () => Promise<void> }

export const prepareDatabase = (kind: Database['kind']): Promise<PreparedDatabase> =>
  kind === 'pglite' ? preparePglite({}) : preparePostgres({})

const preparePglite = async (options: { migrated?: boolean }): Promise<PreparedDatabase> => {
  const dataDir = await scratchFolder('test')
  if (options.migrated !== false) await copyPgliteTemplate(dataDir)
  return { url: null, dataDir, remove: () => rm(dataDir, { recursive: true, force: true, maxRetries: 3 }) }
}

const preparePostgres = async (options: { migrated?: boolean }): Promise<PreparedDatabase> => {
  const { postgresUrl, postgresTemplate } = inject('templates')
  if (!postgresUrl) throw new Error('There is no PostgreSQL on this platform.')
  const dataDir = await scratchFolder('test')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const template = options.migrated === false ? 'template0' : postgresTemplate
  await administer(postgresUrl, `create database ${name} template ${template} strategy file_copy`)
  return {
    url: postgresUrl.replace(/\/postgres$/, `/${name}`),
    dataDir,
    remove: async () => {
      await administer(postgresUrl, `drop database if exists ${name} with (force)`)
      await rm(dataDir, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

const openTestPglite = async (options: { migrated?: boolean } = {}): Promise<Opened> => {
  const { dataDir, remove } = await preparePglite({})
  const database = await openDatabase({ url: null, dataDir, poolSize: 1 })
  // An empty folder would have to be made into a database first, which takes seconds.
  if (options.migrated === false) await database.query(emptied)
  return { database: Object.assign(database, { url: null, dataDir }), remove }
}

const openTestPostgres = async (options: { poolSize?: number; migrated?: boolean } = {}): Promise<Opened> => {
  const { url, dataDir, remove } = await preparePostgres(options)
  const database = await openDatabase({ url, dataDir, poolSize: options.poolSize ?? 8 })
  return { database: Object.assign(database, { url, dataDir }), remove }
}

const emptied = 'drop schema public cascade; drop schema pgboss cascade; create schema public'

/** Statements on the server itself, by the address that `global-setup.ts` provides. */
const administer = async (url: string, statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { JourneymanError } from '../domain/errors.ts'
import type { Database, Tx } from './database.ts'

export type Migration = { number: number; name: string; text: string; hash: string }

/** The folder that ships with the program. */
export const shippedMigrations = join(import.meta.dirname, '..', '..', 'migrations')

/** One program at a time applies; the second waits, then finds nothing left to do. */
const migrationLock = 0x4a4d_4d49

/**
 * Brings the database to this program's schema: numbered SQL files, forward only, each in a transaction of its own, with
 * its hash recorded beside it. Gives the names of those that were applied now. Throws `conflict`, with one sentence, when
 * an applied file has changed or the database has been migrated by a newer program; `invalid_configuration` for a folder
 * that is not in order.
 */
export const migrate = async (database: Database, folder = shippedMigrations): Promise<string[]> => {
  // The usual start finds nothing to do, and needs neither the lock nor a transaction for each file to see it.
  if ((await pendingMigrations(database, folder)).length === 0) return []
  const migrations = await readMigrations(folder)
  const applied: string[] = []
  for (const migration of migrations) {
    const isNew = await database.db.transaction().execute((tx) => applyOne(tx, migrations, migration))
    if (isNew) applied.push(migration.name)
  }
  return applied
}

/** What `migrate` would apply, without doing it. Throws as it does. */
export const pendingMigrations = async (database: Database, folder = shippedMigrations): Promise<string[]> => {
  const migrations = await readMigrations(folder)
  const { rows: tables } = await database.query("select to_regclass('schema_migrations') is not null as there")
  if (tables[0]?.['there'] !== true) return migrations.map(({ name }) => name)
  const applied = (await database.query('select number, name, hash from schema_migrations order by number')).rows
  refuseForeign(applied as AppliedRow[], migrations)
  const numbers = new Set(applied.map((row) => row['number']))
  return migrations.filter(({ number }) => !numbers.has(number)).map(({ name }) => name)
}

/** Reads and numbers the files: `0001_name.sql`, without a gap. */
export const readMigrations = async (folder: string): Promise<Migration[]> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(names.map((name, index) => readMigration(folder, name, index + 1)))
}

const readMigration = async (folder: string, name: string, expected: number): Promise<Migration> => {
  const number = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1])
  if (number !== expected) {
    throw new JourneymanError(
      'invalid_configuration',
      `${join(folder, name)} should be migration number ${expected}.`,
      {
        nextAction: 'Name the files 0001_first.sql, 0002_second.sql and so on, without a gap or a double.',
      },
    )
  }
  const text = await readFile(join(folder, name), 'utf8')
  const hash = createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')
  return { number, name, text, hash }
}

const applyOne = async (tx: Tx, migrations: Migration[], migration: Migration): Promise<boolean> => {
  await sql`select pg_advisory_xact_lock(${sql.lit(migrationLock)})`.execute(tx)
  await sql`create table if not exists schema_migrations (
    number integer primary key, name text not null, hash text not null, applied_at timestamptz not null default now()
  )`.execute(tx)
  const { rows } = await sql<AppliedRow>`select number, name, hash from schema_migrations order by number`.execute(tx)
  refuseForeign(rows, migrations)
  if (rows.some(({ number }) => number === migration.number)) return false
  await runScript(tx, migration.text)
  await sql`insert into schema_migrations (number, name, hash)
    values (${migration.number}, ${migration.name}, ${migration.hash})`.execute(tx)
  return true
}

type AppliedRow = { number: number; name: string; hash: string }

const refuseForeign = (rows: AppliedRow[], migrations: Migration[]): void => {
  for (const row of rows) {
    const known = migrations.find(({ number }) => number === row.number)
    if (!known) {
      throw new JourneymanError('conflict', `The database is newer than this program: it has had ${row.name}.`, {
        nextAction: 'Start the version that migrated it, or a later one; there is no way back.',
      })
    }
    if (known.hash !== row.hash) {
      throw new JourneymanError('conflict', `The migration ${known.name} has changed since it was applied.`, {
        nextAction: 'Put the file back as it was and make the change in a new file with the next number.',
      })
    }
  }
}

/** Without values, so that the driver sends the whole file as one text of many statements. */
const runScript = (tx: Tx, text: string): Promise<unknown> => sql.raw(text).execute(tx)

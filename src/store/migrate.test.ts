import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startChild } from '../../test/child-process.ts'
import { describeOnEachDatabase } from '../../test/databases.ts'
import { migrate, readMigrations, shippedMigrations } from './migrate.ts'

const folderWith = async (files: Record<string, string>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-migrations-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

describeOnEachDatabase('migrations', (open, kind) => {
  test('are applied in order, once, and recorded', async () => {
    const database = await open({ migrated: false })
    const folder = await folderWith({
      '0001_first.sql': 'create table one (n integer); insert into one values (1);',
      '0002_second.sql': "-- a comment; with a semicolon\ninsert into one values (2); select 'a;b';",
    })
    expect(await migrate(database, folder)).toEqual(['0001_first.sql', '0002_second.sql'])
    expect(await migrate(database, folder)).toEqual([])
    await writeFile(join(folder, '0003_third.sql'), 'insert into one values (3)')
    expect(await migrate(database, folder)).toEqual(['0003_third.sql'])
    expect((await database.query('select n from one order by n')).rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    const { rows } = await database.query('select number, name from schema_migrations order by number')
    expect(rows).toHaveLength(3)
  })

  test('a file that fails leaves nothing of itself, and all before it', async () => {
    const database = await open({ migrated: false })
    const folder = await folderWith({
      '0001_first.sql': 'create table one (n integer)',
      '0002_second.sql': 'create table two (n integer); select nope;',
    })
    await expect(migrate(database, folder)).rejects.toMatchObject({ code: '42703' })
    const { rows } = await database.query(
      `select tablename as name from pg_tables where schemaname = 'public' order by name`,
    )
    expect(rows).toEqual([{ name: 'one' }, { name: 'schema_migrations' }])
    await writeFile(join(folder, '0002_second.sql'), 'create table two (n integer)')
    expect(await migrate(database, folder)).toEqual(['0002_second.sql'])
  })

  test('refuses a file that has changed since, and a database that is newer, in a sentence each', async () => {
    const database = await open()
    const folder = await mkdtemp(join(tmpdir(), 'journeyman-migrations-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await cp(shippedMigrations, folder, { recursive: true })
    const shipped = await readMigrations(folder)
    const next = `${String(shipped.length + 1).padStart(4, '0')}_next.sql`
    await writeFile(join(folder, next), 'create table later (n integer)')
    expect(await migrate(database, folder)).toEqual([next])
    await expect(migrate(database)).rejects.toMatchObject({
      code: 'conflict',
      message: `The database is newer than this program: it has had ${next}.`,
    })
    await writeFile(join(folder, next), 'create table later (n bigint)')
    await expect(migrate(database, folder)).rejects.toMatchObject({
      code: 'conflict',
      message: `The migration ${next} has changed since it was applied.`,
    })
  })

  test('the numbers have no gap', async () => {
    const folder = await folderWith({ '0001_first.sql': '', '0003_third.sql': '' })
    await expect(readMigrations(folder)).rejects.toMatchObject({ code: 'invalid_configuration' })
  })

  test.skipIf(kind === 'pglite')('two processes that start at once apply each file once', async () => {
    const database = await open({ migrated: false })
    const children = Array.from({ length: 3 }, () => startChild('migrate.ts', database.url!, database.dataDir))
    for (const child of children) onTestFinished(() => child.kill())
    await Promise.all(children.map((child) => child.ended))
    const applied = children.flatMap((child) => JSON.parse(child.said()) as string[])
    expect(applied.sort()).toEqual((await readMigrations(shippedMigrations)).map(({ name }) => name))
    expect(await migrate(database)).toEqual([])
  })
})

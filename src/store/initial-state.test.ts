import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { scratchFolder } from '../../test/scratch-folder.ts'
import { initialStateFile } from './initial-state.ts'
import { openPglite } from './open-pglite.ts'

const newFolder = async (): Promise<string> => {
  const folder = await scratchFolder('test')
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** What a database is given when it is made: two have the same only when one is a copy. */
const makeOne = async (keptIn: string): Promise<unknown> => {
  const database = await openPglite({ dataDir: await newFolder(), keptIn })
  try {
    // Each has this table to make, and so none has what another has written.
    await database.query('create table mine (n int)')
    const { rows } = await database.query('select system_identifier::text as made from pg_control_system()')
    return rows[0]?.['made']
  } finally {
    await database.close()
  }
}

test('a new embedded database is kept as it was made, and the next begins as its copy; a broken one is no obstacle', async () => {
  const keptIn = await newFolder()
  const file = initialStateFile(keptIn)
  await writeFile(file, 'the half of one')
  const first = await makeOne(keptIn)
  expect(await readdir(keptIn)).toEqual([basename(file)])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await makeOne(keptIn)).toBe(first)
})

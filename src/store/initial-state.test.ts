import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
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
const makeOne = async (keptIn: string, dataDir?: string): Promise<unknown> => {
  const database = await openPglite({ dataDir: dataDir ?? (await newFolder()), keptIn })
  try {
    // Each has this table to make, and so none has what another has written.
    await database.query('create table mine (n int)')
    const { rows } = await database.query('select system_identifier::text as made from pg_control_system()')
    return rows[0]?.['made']
  } finally {
    await database.close()
  }
}

test('a new embedded database is kept as it was made, and the next begins as its copy; a broken one is no obstacle, nor is a cut copy', async () => {
  const keptIn = await newFolder()
  const file = initialStateFile(keptIn)
  await writeFile(file, 'the half of one')
  const first = await makeOne(keptIn)
  expect(await readdir(keptIn)).toEqual([basename(file)])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await makeOne(keptIn)).toBe(first)
  const cutShort = await newFolder()
  await cutCopy(file, join(cutShort, 'pglite'))
  expect(await makeOne(keptIn, cutShort)).toBe(first)
})

/** What a process that is killed leaves of a copy that it was at: in the order of the file, all but the end. */
const cutCopy = async (file: string, folder: string): Promise<void> => {
  const tar = zstdDecompressSync(await readFile(file))
  for (let at = 0; at < tar.length / 2; ) {
    const head = tar.toString('latin1', at, at + 512)
    const [name, size] = [head.slice(0, head.indexOf('\0')), Number.parseInt(head.slice(124, 136), 8)]
    const isFolder = head[156] === '5'
    await mkdir(isFolder ? join(folder, name) : dirname(join(folder, name)), { recursive: true })
    if (!isFolder) await writeFile(join(folder, name), tar.subarray(at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
}

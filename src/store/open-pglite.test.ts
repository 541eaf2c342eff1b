import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { startChild } from '../../test/child-process.ts'
import { copyPgliteTemplate } from '../../test/databases.ts'
import { scratchFolder } from '../../test/scratch-folder.ts'
import type { Database } from './database.ts'
import { findHolder } from './lock-folder.ts'
import { openPglite } from './open-pglite.ts'

const newFolder = async (): Promise<string> => {
  const dataDir = await scratchFolder('test')
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  await copyPgliteTemplate(dataDir)
  return dataDir
}

const openIn = async (dataDir: string, options: Partial<Parameters<typeof openPglite>[0]> = {}): Promise<Database> => {
  const database = await openPglite({ dataDir, ...options })
  onTestFinished(() => database.close())
  return database
}

test('what was acknowledged is there after kill -9 in the middle of writing', async () => {
  const dataDir = await newFolder()
  let acknowledged = 0
  for (let round = 0; round < 2; round++) {
    const child = startChild('write-rows.ts', dataDir, String(acknowledged + 1_000))
    onTestFinished(() => child.kill())
    await child.until(`\n${acknowledged + 1_000 + 60}\n`)
    await child.kill()
    acknowledged = Number(child.said().split('\n').at(-2))
    const database = await openPglite({ dataDir })
    const { rows } = await database.query('select n from written order by n')
    await database.close()
    const written = new Set(rows.map(({ n }) => n))
    const said = child.said().split('\n').slice(0, -1).map(Number)
    expect(said.filter((n) => !written.has(n))).toEqual([])
    // At most the one that was under way is there without having been acknowledged.
    expect(Math.max(...(rows as { n: number }[]).map(({ n }) => n))).toBeLessThanOrEqual(acknowledged + 1)
  }
})

test('a process that is killed while it makes a new one leaves nothing that is in the way', async () => {
  const dataDir = await scratchFolder('test')
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  for (const file of ['PG_VERSION', 'global/pg_control']) {
    const child = startChild('open-and-say.ts', dataDir)
    onTestFinished(() => child.kill())
    while (!existsSync(join(dataDir, 'pglite', file)) && child.process.exitCode === null) await sleep(1)
    await child.kill()
  }
  const database = await openIn(dataDir)
  expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('a second opening in another process is refused, and allowed after the first has closed', async () => {
  const dataDir = await newFolder()
  const database = await openIn(dataDir)
  const refused = startChild('open-and-say.ts', dataDir)
  expect(await refused.ended).toBe(1)
  expect(refused.said()).toContain(`is in use by process ${process.pid}`)
  await database.close()
  expect(findHolder(dataDir)).toBeNull()
  const allowed = startChild('open-and-say.ts', dataDir)
  onTestFinished(() => allowed.kill())
  expect(await allowed.until('\n')).toBe('open\n')
})

test('a database that does not answer is given up: queries reject, the owner is told once, the lock is released', async () => {
  const dataDir = await newFolder()
  const lost: string[] = []
  const database = await openIn(dataDir, { deadlineMs: 3_000, onLost: (error) => lost.push(error.code) })
  await database.query('select 1')
  const waiting = database.query('select 1')
  const stuck = database.query('select count(*) from generate_series(1, 100000000) a, generate_series(1, 100000000) b')
  await waiting
  await expect(stuck).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect(database.query('select 1')).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect(database.ping()).rejects.toMatchObject({ code: 'store_unavailable' })
  expect(lost).toEqual(['store_unavailable'])
  await database.close()
  expect(findHolder(dataDir)).toBeNull()
})

test('a query outside, awaited inside a transaction, ends instead of waiting for itself', async () => {
  const database = await openIn(await newFolder(), { waitMs: 300 })
  const work = database.db.transaction().execute(async (tx) => {
    await sql`insert into marks (name, value) values ('a', '{}')`.execute(tx)
    await database.query('select 1')
  })
  await expect(work).rejects.toMatchObject({ code: 'store_unavailable' })
  expect((await database.query('select name from marks')).rows).toEqual([])
})

test('the event loop goes on while the database works', async () => {
  const database = await openIn(await newFolder())
  let ticks = 0
  const ticking = setInterval(() => ticks++, 5)
  await database.query('select count(*) from generate_series(1, 3000000) as n')
  clearInterval(ticking)
  expect(ticks).toBeGreaterThan(3)
})

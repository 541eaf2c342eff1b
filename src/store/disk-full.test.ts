import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmdirSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { copyPgliteTemplate } from '../../test/databases.ts'
import { findHolder } from './lock-folder.ts'
import { openPglite } from './open-pglite.ts'

/** A small disk of its own, which only root can make; null where that is not allowed. */
const mountSmallDisk = (megabytes: number): string | null => {
  const folder = mkdtempSync(join(tmpdir(), 'journeyman-disk-'))
  const remove = (): void => rmdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    remove()
    return null
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder])
    remove()
  })
  return folder
}

/** Leaves that much room; gives the way to make room again. */
const fill = (folder: string, leaveBytes: number): (() => void) => {
  const ballast = join(folder, 'ballast')
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - leaveBytes))
  return () => unlinkSync(ballast)
}

const megabyte = 1024 * 1024

test('on a disk that is nearly full the database refuses, and goes on by itself once there is room', async ({
  skip,
}) => {
  const dataDir = mountSmallDisk(150)
  if (!dataDir) return skip('only root can mount a small disk')
  await copyPgliteTemplate(dataDir)
  const database = await openPglite({ dataDir })
  onTestFinished(() => database.close())
  await database.ping()
  const makeRoom = fill(dataDir, 20 * megabyte)
  await expect(database.ping()).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect
    .poll(
      () =>
        database.query('select 1').then(
          () => 'answered',
          (error: { code: string }) => error.code,
        ),
      { timeout: 10_000 },
    )
    .toBe('store_unavailable')
  makeRoom()
  await expect
    .poll(
      () =>
        database.query('select 1').then(
          () => 'answered',
          () => 'refused',
        ),
      { timeout: 10_000 },
    )
    .toBe('answered')
})

test('a disk that fills faster than anyone looks: the database is given up, and nothing acknowledged is lost', async ({
  skip,
}) => {
  const dataDir = mountSmallDisk(150)
  if (!dataDir) return skip('only root can mount a small disk')
  await copyPgliteTemplate(dataDir)
  const lost = Promise.withResolvers<string>()
  const database = await openPglite({ dataDir, deadlineMs: 10_000, onLost: (error) => lost.resolve(error.code) })
  await database.query('create table written (n integer primary key, bytes bytea)')
  const makeRoom = fill(dataDir, 12 * megabyte)
  let acknowledged = 0
  const writing = (async () => {
    for (let n = 1; n <= 100; n++) {
      await database.query('insert into written values ($1, $2)', [n, randomBytes(megabyte)])
      acknowledged = n
    }
  })()
  await expect(writing).rejects.toMatchObject({ code: 'store_unavailable' })
  // Its data files may have met the end of the disk first, which it survives; then it refuses instead.
  await Promise.race([
    lost.promise,
    expect.poll(() => database.ping().catch((error) => error.code)).toBe('store_unavailable'),
  ])
  await database.close()
  expect(findHolder(dataDir)).toBeNull()
  makeRoom()
  const reopened = await openPglite({ dataDir })
  onTestFinished(() => reopened.close())
  const { rows } = await reopened.query('select count(*) as n from written where n <= $1', [acknowledged])
  expect(rows).toEqual([{ n: acknowledged }])
})

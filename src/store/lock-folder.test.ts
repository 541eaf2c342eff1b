import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Child, startChild } from '../../test/child-process.ts'
import { findHolder, lockFolder } from './lock-folder.ts'

const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-lock-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const start = (program: string, ...args: string[]): Child => {
  const child = startChild(program, ...args)
  onTestFinished(() => child.kill())
  return child
}

const holdAndDie = async (folder: string): Promise<void> => {
  const child = start('take-lock.ts', folder, '0')
  await child.until('held')
  await child.kill()
}

test('a second process is refused in one sentence before it opens anything', async () => {
  const folder = await newFolder()
  const first = start('take-lock.ts', folder, '0')
  await first.until('held')
  const second = start('open-and-say.ts', folder)
  expect(await second.ended).toBe(1)
  expect(second.said()).toMatch(/^conflict: The data folder .* is in use by process \d+ on [^.]*\.?\S*: .*\.\n$/)
  expect(second.said()).toContain(`process ${first.process.pid} `)
  expect(await readdir(folder)).toEqual(['lock'])
})

test('the same process cannot hold a folder twice', async () => {
  const folder = await newFolder()
  const lock = lockFolder(folder)
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: 'conflict' }))
  lock.release()
  lockFolder(folder).release()
  expect(await readdir(folder)).toEqual([])
})

test('the lock of a killed process is taken over', async () => {
  const folder = await newFolder()
  await holdAndDie(folder)
  expect(findHolder(folder)).toBeNull()
  const lock = lockFolder(folder)
  expect(findHolder(folder)?.pid).toBe(process.pid)
  lock.release()
  expect(await readdir(folder)).toEqual([])
})

test('of many processes that find one dead lock at the same moment, one takes it over', async () => {
  for (let round = 0; round < 3; round++) {
    const folder = await newFolder()
    await holdAndDie(folder)
    const at = String(Date.now() + 400)
    const children = Array.from({ length: 6 }, () => start('take-lock.ts', folder, at))
    const said = await Promise.all(children.map((child) => child.until('\n')))
    expect(said.filter((text) => text === 'held\n')).toHaveLength(1)
    expect(said.filter((text) => text === 'conflict\n')).toHaveLength(5)
    const winner = children.find((child) => child.said() === 'held\n')
    expect(findHolder(folder)?.pid).toBe(winner?.process.pid)
    await Promise.all(children.map((child) => child.kill()))
  }
})

test('one who died while taking a dead lock over does not keep it from the next', async () => {
  const folder = await newFolder()
  await holdAndDie(folder)
  const dead = JSON.parse(await readFile(join(folder, 'lock'), 'utf8')) as { token: string }
  await writeFile(join(folder, `lock.${dead.token}`), JSON.stringify({ ...dead, token: 'another-dead-one' }))
  lockFolder(folder).release()
  expect(await readdir(folder)).toEqual([])
})

test('a live process that was given the number of a dead holder is not taken for it', async () => {
  const folder = await newFolder()
  const other = lockFolder(folder)
  const holder = JSON.parse(await readFile(join(folder, 'lock'), 'utf8')) as object
  other.release()
  await writeFile(join(folder, 'lock'), JSON.stringify({ ...holder, startedAt: '1', token: 'dead' }))
  const lock = lockFolder(folder)
  expect(findHolder(folder)?.pid).toBe(process.pid)
  lock.release()
})

test('a holder in another container is not robbed while it touches its lock', async () => {
  const folder = await newFolder()
  const other = lockFolder(folder)
  const holder = JSON.parse(await readFile(join(folder, 'lock'), 'utf8')) as object
  other.release()
  await writeFile(
    join(folder, 'lock'),
    JSON.stringify({ ...holder, pid: 1, pidNamespace: 'pid:[1]', token: 'elsewhere' }),
  )
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: 'conflict' }))
})

test('an unreadable lock is refused with the way out', async () => {
  const folder = await newFolder()
  await writeFile(join(folder, 'lock'), '')
  expect(() => lockFolder(folder)).toThrow(
    expect.objectContaining({ code: 'conflict', nextAction: expect.stringContaining('delete') }),
  )
})

test.skipIf(process.platform !== 'linux')('a folder that cannot be made is an error, and not an endless try', () => {
  expect(() => lockFolder('/proc/nope/data')).toThrow(/ENOENT/)
})

test('a holder announces where it can be spoken to', async () => {
  const folder = await newFolder()
  const lock = lockFolder(folder)
  lock.announce('/run/journeyman.sock')
  expect(findHolder(folder)?.control).toBe('/run/journeyman.sock')
  lock.release()
})

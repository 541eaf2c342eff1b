import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startChild } from '../../test/child-process.ts'
import { bubblewrapMissing, processesWith, testLimits } from './sandbox/sandbox.fixture.ts'
import { createSandbox, type Sandbox } from './sandbox/sandbox.ts'
import type { TestRepository } from './test-support/git-server.ts'
import { openRequest, openTestRoom, runIn, type TestRoom } from './test-support/open-test-room.ts'

const missing = await bubblewrapMissing()
const kinds = missing === null ? (['bubblewrap', 'none'] as const) : (['none'] as const)
const signal = () => AbortSignal.timeout(60_000)

describe.each(kinds)('with sandbox.kind %s, of a worker that was asleep', (kind) => {
  let scratch: string
  let sandbox: Sandbox
  let room: TestRoom
  let repository: TestRepository

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'take-over-scratch-'))
    await chmod(scratch, 0o755)
    sandbox = await createSandbox({ kind, limits: testLimits, scratchDir: join(scratch, 'heir') })
    room = await openTestRoom({ sandbox, mirrorFreshSeconds: 600 })
    repository = await room.server.createRepository('shop', { 'a.txt': 'one\n' })
  })
  afterAll(async () => {
    await room.close()
    await sandbox.close()
    await rm(scratch, { recursive: true, force: true })
  })

  test('nothing arrives in the tree that another has taken over, and what it had started is gone', async () => {
    const run = 'run_asleep'
    const mark = `beats-of-${kind}-${process.pid}`
    const command = `echo begun; while true; do echo ${mark} >> beat.txt; sleep 0.01; done`
    await mkdir(join(scratch, 'zombie'))
    const zombie = startChild(
      'work-in-a-tree.ts',
      kind,
      room.folder,
      join(scratch, 'zombie'),
      repository.url,
      run,
      command,
    )
    try {
      expect(await zombie.until('working')).toContain('working')
      zombie.process.kill('SIGSTOP')
      const heir = await room.open(run, repository, { epoch: 2 })
      expect(await processesWith(mark)).toEqual([zombie.process.pid])
      await heir.files.write('heirs.txt', 'by the second\n')
      zombie.process.kill('SIGCONT')
      const said = await zombie.until('over')
      const codes = JSON.parse(said.slice(said.indexOf('over ') + 5)) as Record<string, string>
      expect(codes).toEqual(
        Object.fromEntries(
          ['command', 'write', 'run', 'restore', 'snapshot', 'proposal'].map((verb) => [verb, 'stale_epoch']),
        ),
      )
      expect(await zombie.ended).toBe(0)
      expect((await runIn(heir, 'ls')).trim()).toBe('a.txt\nheirs.txt')
      expect((await heir.proposal()).map(({ path }) => path)).toEqual(['heirs.txt'])
    } finally {
      zombie.process.kill('SIGCONT')
      await zombie.kill()
    }
  })

  test('a snapshot that it took is there for the one that goes on', async () => {
    const first = await room.open('run_handed', repository)
    await first.files.write('b.txt', 'two\n')
    const { commit } = await first.snapshot('turn 1')
    await first.ready()
    const other = await room.again()
    const second = await other.open(openRequest('run_handed', repository, { epoch: 5, snapshot: commit }), signal())
    expect(second.fresh).toBe(false)
    expect(await second.files.read('b.txt')).toBe('two\n')
    await expect(first.snapshot('turn 2')).rejects.toMatchObject({ code: 'stale_epoch' })
    await expect(first.files.read('b.txt')).rejects.toMatchObject({ code: 'stale_epoch' })
    expect(await readdir(join(room.folder, 'runs/run_handed'))).toEqual(['5'])
    await other.close()
  })
})

describe('a claim that came later', () => {
  let room: TestRoom
  let repository: TestRepository
  beforeAll(async () => {
    room = await openTestRoom({ mirrorFreshSeconds: 600 })
    repository = await room.server.createRepository('shop', { 'a.txt': 'one\n' })
  })
  afterAll(() => room.close())

  test('is not taken from by one that came before and opens only now', async () => {
    const later = await room.open('run_late', repository, { epoch: 3 })
    const other = await room.again()
    await expect(other.open(openRequest('run_late', repository, { epoch: 2 }), signal())).rejects.toMatchObject({
      code: 'stale_epoch',
    })
    expect(await runIn(later, 'cat a.txt')).toBe('one\n')
    await other.close()
  })

  test('clears away what an earlier one had only begun', async () => {
    await mkdir(join(room.folder, 'runs/run_begun/1/tree'), { recursive: true })
    const workspace = await room.open('run_begun', repository, { epoch: 2 })
    expect(workspace.fresh).toBe(true)
    expect(await readdir(join(room.folder, 'runs/run_begun'))).toEqual(['2'])
  })

  test('finds a lost workspace lost, not taken over', async () => {
    const workspace = await room.open('run_wiped', repository)
    await rm(join(room.folder, 'runs/run_wiped'), { recursive: true })
    await expect(workspace.snapshot('too late')).rejects.toMatchObject({ code: 'workspace_lost' })
  })
})

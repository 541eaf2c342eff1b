import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Workspaces } from './contract.ts'
import type { SharedSnapshot, SnapshotShare } from './shared-snapshots.ts'
import type { TestRepository } from './test-support/git-server.ts'
import { openRequest, openTestRoom, runIn, type TestRoom } from './test-support/open-test-room.ts'

/** Two hosts are two folders, with nothing in common but what is shared. */
let room: TestRoom
let repository: TestRepository
let elsewhere: string
let other: Workspaces
let kept: Map<string, SharedSnapshot>
let told: string[]
let count = 0
const signal = () => AbortSignal.timeout(30_000)

const share: SnapshotShare = {
  maxBytes: 20_000,
  put: async (_run, snapshot) => void kept.set(snapshot.commit, snapshot),
  holds: async (_run, commit) => kept.has(commit),
  chain: async (_run, commit) => {
    const chain: SharedSnapshot[] = []
    for (let one = kept.get(commit); one; one = one.parent === null ? undefined : kept.get(one.parent))
      chain.unshift(one)
    return chain
  },
  tooLarge: (_run, commit) => void told.push(commit),
}

beforeAll(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), 'workspaces-elsewhere-'))
  await chmod(elsewhere, 0o711)
  room = await openTestRoom({ mirrorFreshSeconds: 600, share })
  other = await room.again({ folder: join(elsewhere, 'work') })
  const large = Array.from({ length: 3_000 }, (_, line) => `line ${line} ${Math.sin(line)}`).join('\n')
  repository = await room.server.createRepository('shop', { 'a.txt': 'one\n', 'large.txt': `${large}\n` })
})
afterAll(async () => {
  await other.close()
  await room.close()
  await rm(elsewhere, { recursive: true, force: true })
})
beforeEach(() => {
  kept = new Map()
  told = []
  count += 1
})
const openElsewhere = (epoch: number, base: string, snapshot: string) =>
  other.open(openRequest(`run_${count}`, repository, { epoch, base: { sha: base }, snapshot }), signal())

test('a run goes on at another host from the last snapshot, and comes back', async () => {
  const here = await room.open(`run_${count}`, repository)
  await runIn(here, 'echo two >> a.txt; mkdir lib; echo x > lib/x; chmod +x lib/x; ln -s a.txt link')
  const first = await here.snapshot('turn 1')
  await runIn(here, 'sed -i "s/^line 7 .*/changed/" large.txt; rm lib/x; echo y > lib/y')
  const second = await here.snapshot('turn 2')
  await here.close()
  expect([...kept.values()].map(({ parent }) => parent)).toEqual([null, first.commit])

  const there = await openElsewhere(2, here.baseSha, second.commit)
  expect(there.fresh).toBe(true)
  expect(await runIn(there, 'cat a.txt lib/y; ls lib; sed -n 8p large.txt; readlink link')).toBe(
    'one\ntwo\ny\ny\nchanged\na.txt\n',
  )
  // An earlier turn of it, as an agent goes back to, is there as well.
  await there.restore(first.commit)
  expect(await runIn(there, 'ls lib')).toBe('x\n')
  await runIn(there, 'echo three >> a.txt')
  const third = await there.snapshot('turn 3')
  expect(kept.get(third.commit)?.parent).toBe(second.commit)
  await there.close()

  const back = await room.open(`run_${count}`, repository, {
    epoch: 3,
    base: { sha: here.baseSha },
    snapshot: third.commit,
  })
  expect(await runIn(back, 'cat a.txt')).toBe('one\ntwo\nthree\n')
  expect((await back.proposal()).map(({ path }) => path)).toEqual(['a.txt', 'lib/x', 'link'])
})

test('what is shared is what has changed, and the same state is shared once', async () => {
  const here = await room.open(`run_${count}`, repository)
  await here.snapshot('nothing yet')
  await here.snapshot('still nothing')
  await runIn(here, 'echo two >> a.txt; cp large.txt copy.txt')
  const { commit } = await here.snapshot('little')
  expect(kept.size).toBe(2)
  // The file is 80 KB; what the parent has does not travel.
  expect(kept.get(commit)?.bundle.length).toBeLessThan(1_000)
  await runIn(here, 'head -c 15000 /dev/urandom > noise')
  await here.snapshot('much')
  await runIn(here, 'echo three >> a.txt')
  const last = await here.snapshot('little again')
  expect(kept.get(last.commit)?.bundle.length).toBeLessThan(1_000)
})

test('one that is too large stays here, which is told once, and what comes after it builds upon what was shared', async () => {
  const here = await room.open(`run_${count}`, repository)
  await runIn(here, 'echo two >> a.txt')
  const small = await here.snapshot('small')
  await runIn(here, 'head -c 50000 /dev/urandom > noise')
  const large = await here.snapshot('large')
  await runIn(here, 'echo more > more')
  await here.snapshot('larger still')
  expect(told).toEqual([large.commit])
  await runIn(here, 'rm noise')
  const again = await here.snapshot('small again')
  expect(kept.get(again.commit)?.parent).toBe(small.commit)
  await expect(openElsewhere(2, here.baseSha, large.commit)).rejects.toMatchObject({ code: 'workspace_lost' })
  const there = await openElsewhere(3, here.baseSha, again.commit)
  expect(await runIn(there, 'cat a.txt more; ls')).toContain('one\ntwo\nmore\n')
})

test('a share that fails fails the snapshot, and the next one is complete again', async () => {
  const here = await room.open(`run_${count}`, repository)
  const { put } = share
  share.put = async () => {
    throw new Error('The database is away.')
  }
  await runIn(here, 'echo two >> a.txt')
  await expect(here.snapshot('lost')).rejects.toThrow('The database is away.')
  share.put = put
  await runIn(here, 'echo three >> a.txt')
  const { commit } = await here.snapshot('kept')
  const there = await openElsewhere(2, here.baseSha, commit)
  expect(await runIn(there, 'cat a.txt')).toBe('one\ntwo\nthree\n')
})

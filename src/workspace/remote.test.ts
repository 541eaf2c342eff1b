import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { appendFile, mkdir, readdir, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestRepository } from './test-support/git-server.ts'
import { openRequest, openTestRoom, plainSandbox, runIn, type TestRoom } from './test-support/open-test-room.ts'

let room: TestRoom
let repository: TestRepository
let count = 0

beforeAll(async () => {
  room = await openTestRoom()
})
afterAll(() => room.close())

const newRepository = () => room.server.createRepository(`remote-${++count}`, { 'a.txt': 'one\n', 'b/c.txt': 'two\n' })
const author = { name: 'A Bot', email: 'bot@example.com' }
const date = new Date(0)

const changed = async (runId: string) => {
  repository = await newRepository()
  const workspace = await room.open(runId, repository)
  await runIn(workspace, `echo ${runId} >> a.txt`)
  return { workspace, commit: await workspace.commit({ message: 'A change', author, date }) }
}
const headOf = async (branch: string) => (await repository.git('rev-parse', branch)).trim()
const mirrors = async () => (await readdir(join(room.folder, 'mirrors'))).filter((name) => !name.startsWith('.'))
const fetches = () => room.server.requests.filter((line) => line.startsWith('POST') && line.includes('upload-pack'))

describe('push', () => {
  test('somebody else’s push in between is a conflict, and theirs stays', async () => {
    const { workspace, commit } = await changed('run_conflict')
    await workspace.push({ commit, branch: 'work', expected: null })
    const theirs = await repository.commit('work', { 'x.txt': 'theirs' })
    const again = await workspace.commit({ message: 'Another', author, date })
    await expect(workspace.push({ commit: again, branch: 'work', expected: commit })).rejects.toMatchObject({
      code: 'conflict',
    })
    expect(await headOf('work')).toBe(theirs)
    await workspace.push({ commit: again, branch: 'work', expected: theirs })
    expect(await headOf('work')).toBe(again)
  })

  test('a branch that should be absent and is there is a conflict', async () => {
    const { workspace, commit } = await changed('run_absent')
    await expect(workspace.push({ commit, branch: 'main', expected: null })).rejects.toMatchObject({ code: 'conflict' })
  })

  test('a push whose answer was lost has succeeded', async () => {
    const { workspace, commit } = await changed('run_lost')
    room.server.faultAt = { path: /git-receive-pack$/, method: 'POST', fault: 'drop_after' }
    await workspace.push({ commit, branch: 'work', expected: null })
    expect(await headOf('work')).toBe(commit)
  })

  test('a push that did not arrive can be made again', async () => {
    const { workspace, commit } = await changed('run_again')
    // curl tries a dropped request once more by itself.
    room.server.faultAt = { path: /git-receive-pack$/, method: 'POST', times: 2, fault: 'drop' }
    await expect(workspace.push({ commit, branch: 'work', expected: null })).rejects.toMatchObject({
      code: 'unavailable',
    })
    await workspace.push({ commit, branch: 'work', expected: null })
    expect(await headOf('work')).toBe(commit)
  })

  test('a hook of the server that says no is forbidden', async () => {
    const { workspace, commit } = await changed('run_hook')
    await writeFile(join(repository.gitDir, 'hooks/pre-receive'), '#!/bin/sh\necho protected; exit 1\n', {
      mode: 0o755,
    })
    await expect(workspace.push({ commit, branch: 'work', expected: null })).rejects.toMatchObject({
      code: 'forbidden',
    })
  })
})

describe('failures of the git server have codes', () => {
  test.each([
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [301, 'not_found'],
    [429, 'rate_limited'],
    [500, 'unavailable'],
    [503, 'unavailable'],
    ['drop', 'unavailable'],
  ] as const)('%s is %s', async (fault, code) => {
    const fresh = await newRepository()
    room.server.faultAt = { path: /./, method: 'GET', fault }
    const before = await mirrors()
    await expect(room.open('run_failure', fresh)).rejects.toMatchObject({ code })
    expect(await mirrors()).toEqual(before)
  })

  test('a wrong password is unauthenticated, and is not in the message', async () => {
    const credential = async () => ({ username: 'x-access-token', password: 'wrong-password-1' })
    const failure = await room.open('run_wrong', await newRepository(), { credential }).catch((error: Error) => error)
    expect(failure).toMatchObject({ code: 'unauthenticated' })
    expect(JSON.stringify(failure) + String(failure)).not.toContain('wrong-password-1')
  })

  test('a repository, a branch and a commit that are not there are not found', async () => {
    const fresh = await newRepository()
    const missing = openRequest('run_missing', fresh)
    const open = (more: object) => room.workspaces.open({ ...missing, ...more }, AbortSignal.timeout(20_000))
    await expect(open({ cloneUrl: fresh.url.replace('remote-', 'nothing-') })).rejects.toMatchObject({
      code: 'not_found',
    })
    await expect(open({ base: { branch: 'no-such' } })).rejects.toMatchObject({ code: 'not_found' })
    await expect(open({ base: { sha: 'a'.repeat(40) } })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a fetch that is stopped leaves no mirror and no lock', async () => {
    const fresh = await newRepository()
    const before = await readdir(join(room.folder, 'mirrors'))
    room.server.faultAt = { path: /./, method: 'GET', fault: 'hang' }
    const stopping = new AbortController()
    const opening = room.workspaces.open(openRequest('run_stopped', fresh), stopping.signal)
    setTimeout(() => stopping.abort(), 100)
    await expect(opening).rejects.toMatchObject({ code: 'stopped' })
    expect(await readdir(join(room.folder, 'mirrors'))).toEqual(before)
  })
})

describe('mirrors', () => {
  test('opened at once, also by two processes, a repository is cloned once', async () => {
    const fresh = await newRepository()
    const other = await room.again({ mirrorFreshSeconds: 600 })
    const mine = await room.again({ mirrorFreshSeconds: 600 })
    const before = fetches().length
    const signal = AbortSignal.timeout(30_000)
    const opened = await Promise.all(
      [mine, mine, other, other].map((all, index) => all.open(openRequest(`run_once${index}`, fresh), signal)),
    )
    // One command of the protocol lists the branches, one brings the objects.
    expect(fetches().length - before).toBe(2)
    expect(new Set(opened.map(({ baseSha }) => baseSha)).size).toBe(1)
  })

  test('a fresh one is used as it is, a stale one is fetched', async () => {
    const fresh = await newRepository()
    const signal = AbortSignal.timeout(30_000)
    const lazy = await room.again({ mirrorFreshSeconds: 600 })
    const first = await lazy.open(openRequest('run_fresh1', fresh), signal)
    const newer = await fresh.commit('main', { 'a.txt': 'newer' })
    expect((await lazy.open(openRequest('run_fresh2', fresh), signal)).baseSha).toBe(first.baseSha)
    expect((await room.open('run_fresh3', fresh)).baseSha).toBe(newer)
  })

  test('a run goes on at the commit it began with, though the branch has gone', async () => {
    const fresh = await newRepository()
    await fresh.commit('topic', { 'x.txt': 'topic' })
    const first = await room.open('run_gone', fresh, { base: { branch: 'topic' } })
    await fresh.git('update-ref', '-d', 'refs/heads/topic')
    await room.open('run_other', fresh)
    const again = await room.open('run_gone', fresh, { base: { sha: first.baseSha } })
    expect(await runIn(again, 'cat x.txt')).toBe('topic')
  })

  test('a damaged one is made anew', async () => {
    const fresh = await newRepository()
    const before = new Set(await mirrors())
    await room.open('run_damage1', fresh)
    const [name] = (await mirrors()).filter((mirror) => !before.has(mirror))
    const packs = join(room.folder, 'mirrors', name as string, 'objects/pack')
    for (const file of await readdir(packs)) if (file.endsWith('.pack')) await truncate(join(packs, file), 40)
    await fresh.commit('main', { 'a.txt': 'newer\n' })
    expect(await runIn(await room.open('run_damage2', fresh), 'cat a.txt b/c.txt')).toBe('newer\ntwo\n')
  })

  test('one that has lost a file is made anew when it is missed', async () => {
    const fresh = await newRepository()
    const lazy = await room.again({ mirrorFreshSeconds: 600 })
    const before = new Set(await mirrors())
    const signal = AbortSignal.timeout(30_000)
    await lazy.open(openRequest('run_hole1', fresh), signal)
    const [name] = (await mirrors()).filter((mirror) => !before.has(mirror))
    const mirror = join(room.folder, 'mirrors', name as string)
    const blob = (await fresh.git('rev-parse', 'main:b/c.txt')).trim()
    const script = 'mv objects/pack "$1" && for p in "$1"/*.pack; do git unpack-objects -q < "$p"; done && rm -f "$2"'
    const object = `objects/${blob.slice(0, 2)}/${blob.slice(2)}`
    execFileSync('bash', ['-c', script, 'hole', join(room.folder, 'packs'), object], { cwd: mirror })
    expect(await runIn(await lazy.open(openRequest('run_hole2', fresh), signal), 'cat b/c.txt')).toBe('two\n')
  })

  test('the longest unused are removed when there are too many, and never one that a run borrows from', async () => {
    const small = await room.again({ mirrorsMaxMb: 0 })
    const repositories = [await newRepository(), await newRepository(), await newRepository()]
    const before = new Set(await mirrors())
    for (const [index, fresh] of repositories.entries()) await room.open(`run_trim${index}`, fresh)
    const mine = (await mirrors()).filter((mirror) => !before.has(mirror))
    const longAgo = new Date(Date.now() - 3_600_000)
    for (const mirror of mine) await utimes(join(room.folder, 'mirrors', mirror, 'journeyman-used'), longAgo, longAgo)
    await room.workspaces.remove('run_trim0')
    await small.remove('run_trim0')
    expect((await mirrors()).filter((mirror) => mine.includes(mirror))).toHaveLength(2)
    expect(await runIn(await room.open('run_trim1', repositories[1]!), 'cat a.txt')).toBe('one\n')
  })

  test('what a killed process left is removed or taken over', async () => {
    const fresh = await newRepository()
    const dead = 2 ** 22 - 7
    const folder = join(room.folder, 'mirrors')
    await mkdir(join(folder, `.clone-${dead}-abc`))
    const before = new Set(await mirrors())
    await room.open('run_left1', fresh)
    const [name] = (await mirrors()).filter((mirror) => !before.has(mirror))
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    await writeFile(join(folder, `${name}.lock`), `${hostname()} ${boot}\n${dead}\nx\n`)
    await room.open('run_left2', fresh)
    await room.workspaces.remove('run_left1')
    expect((await readdir(folder)).filter((entry) => entry.startsWith('.') || entry.endsWith('.lock'))).toEqual([])
  })
})

describe('what is needed', () => {
  test('a machine without git is told so in a sentence', async () => {
    await expect(room.again({ searchPath: '/nonexistent' })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: 'There is no git on this machine.',
    })
  })

  test('a git that does not know our guards is refused', async () => {
    const old = join(room.folder, 'old-git')
    await mkdir(old)
    await writeFile(join(old, 'git'), '#!/bin/sh\necho git version 2.31.8\n', { mode: 0o755 })
    await expect(room.again({ searchPath: `${old}:/usr/bin:/bin` })).rejects.toMatchObject({
      code: 'invalid_configuration',
    })
  })
})

describe('a run’s folder', () => {
  test('what a killed worker left is taken over, with the state that was recorded', async () => {
    repository = await newRepository()
    const first = await room.open('run_taken', repository)
    await runIn(first, 'echo two >> a.txt')
    const { commit } = await first.snapshot('turn 1')
    await runIn(first, 'echo three >> a.txt; touch extra; rm -r b')
    const index = join(room.folder, 'runs/run_taken/1/index/index')
    await writeFile(`${index}.lock`, '')
    await truncate(index, 30)
    const other = await room.again()
    const request = openRequest('run_taken', repository, { base: { sha: first.baseSha }, snapshot: commit })
    const second = await other.open(request, AbortSignal.timeout(20_000))
    expect(await runIn(second, 'ls; cat a.txt b/c.txt')).toBe('a.txt\nb\none\ntwo\ntwo\n')
    // Without a snapshot it begins from the base commit.
    const third = await other.open({ ...request, snapshot: null }, AbortSignal.timeout(20_000))
    expect(await third.proposal()).toEqual([])
  })

  test('one that was begun without a usable sandbox is handed over when there is one', async () => {
    repository = await newRepository()
    const closed = await room.again({ sandbox: plainSandbox(false) })
    const request = openRequest('run_handed', repository)
    const first = await closed.open(request, AbortSignal.timeout(20_000))
    const { commit } = await first.snapshot('one')
    const second = await room.open('run_handed', repository, { base: { sha: first.baseSha }, snapshot: commit })
    expect(await runIn(second, 'echo mine >> a.txt; cat a.txt')).toBe('one\nmine\n')
  })

  test('a half-made one is made anew', async () => {
    repository = await newRepository()
    await mkdir(join(room.folder, 'runs/run_half/1/git'), { recursive: true })
    await writeFile(join(room.folder, 'runs/run_half/1/git/HEAD'), 'nonsense')
    expect(await runIn(await room.open('run_half', repository), 'cat a.txt')).toBe('one\n')
  })

  test('a snapshot that is not on this disk is a lost workspace', async () => {
    repository = await newRepository()
    const lost = { code: 'workspace_lost' }
    await expect(room.open('run_nothing', repository, { snapshot: 'a'.repeat(40) })).rejects.toMatchObject(lost)
    const workspace = await room.open('run_nothing', repository)
    await expect(workspace.restore('b'.repeat(40))).rejects.toMatchObject(lost)
  })

  test('removing is complete, and twice is once', async () => {
    repository = await newRepository()
    const workspace = await room.open('run_removed', repository)
    await runIn(workspace, 'mkdir -p closed/inner && touch closed/inner/x && chmod 000 closed/inner closed')
    expect(await room.workspaces.list()).toContain('run_removed')
    await room.workspaces.remove('run_removed')
    await room.workspaces.remove('run_removed')
    expect(await room.workspaces.list()).not.toContain('run_removed')
    await expect(stat(join(room.folder, 'runs/run_removed'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test.each(['../x', '', '.', 'a/b', '-x'])('the id %j is refused', async (runId) => {
    await expect(room.workspaces.remove(runId)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(room.open(runId, repository)).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('of one that may be tried again the snapshots stay, and nothing else', async () => {
    const workspace = await room.open('run_kept', repository)
    await runIn(
      workspace,
      'echo kept > kept.txt; echo node_modules > .gitignore; mkdir -p node_modules; echo x > node_modules/x',
    )
    const { commit } = await workspace.snapshot('the last')
    await workspace.ready()
    await room.workspaces.remove('run_kept', { keepSnapshots: true })
    await room.workspaces.remove('run_kept', { keepSnapshots: true })
    expect((await readdir(join(room.folder, 'runs/run_kept/1'))).sort()).toEqual(['git', 'state.json'])
    const again = await room.open('run_kept', repository, {
      epoch: 2,
      snapshot: commit,
      base: { sha: workspace.baseSha },
    })
    expect(await runIn(again, 'ls')).not.toContain('node_modules')
    expect((await again.proposal()).map(({ path }) => path)).toEqual(['.gitignore', 'kept.txt'])
    // What the set-up makes is not in it; the next who opens it hears of that, until it has been done.
    expect(again.fresh).toBe(true)
    await again.ready()
    const next = await room.open('run_kept', repository, {
      epoch: 3,
      snapshot: commit,
      base: { sha: workspace.baseSha },
    })
    expect(next.fresh).toBe(false)
    await room.workspaces.remove('run_kept')
    await expect(stat(join(room.folder, 'runs/run_kept'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('the settings are those of the base commit, whatever stands in the work tree', async () => {
    const own = await room.server.createRepository(`settings-${++count}`, {
      '.journeyman.yml': 'checks: [make check]\n',
      'CLAUDE.md': { content: 'docs/agents.md', mode: 'link' },
      'docs/agents.md': 'Be brief.',
    })
    const first = await room.open('run_settings', own)
    await appendFile(join(first.root, '.journeyman.yml'), 'allowed_domains: [evil.example.com]\n')
    const again = await room.open('run_settings', own)
    expect(again.settings).toMatchObject({ allowed_domains: [], instructions: 'Be brief.' })
    expect(again.settings.checks.map(({ command }) => command)).toEqual(['make check'])
    const broken = await own.commit('main', { '.journeyman.yml': 'cheks: []\n' })
    await expect(room.open('run_settings2', own, { base: { sha: broken } })).rejects.toMatchObject({
      code: 'invalid_configuration',
    })
  })
})

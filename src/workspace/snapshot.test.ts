import { execFileSync } from 'node:child_process'
import { chmod, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runChecks, runSetup } from './checks.ts'
import type { Workspace } from './contract.ts'
import type { TestRepository } from './test-support/git-server.ts'
import { openRequest, openTestRoom, plainSandbox, runIn, type TestRoom } from './test-support/open-test-room.ts'

let room: TestRoom
let repository: TestRepository
let workspace: Workspace
let count = 0

beforeAll(async () => {
  room = await openTestRoom({
    mirrorFreshSeconds: 600,
    recordLimits: { maxFileBytes: 10_000, maxTotalBytes: 50_000, maxFiles: 40 },
  })
  repository = await room.server.createRepository('shop', {
    '.gitignore': 'build/\n*.log\n',
    '.journeyman.yml':
      'setup: ["echo ready > installed.log", "exit 3", "echo never"]\nchecks: ["echo seen && exit 1", "touch coverage.txt; echo $((6*7))"]\n',
    'src/a.txt': 'a\n',
    'src/b.txt': 'b\n',
    'crlf.txt': 'one\r\ntwo\r\n',
    '.gitattributes': '* text=auto eol=lf\n',
  })
})
afterAll(() => room.close())
beforeEach(async () => {
  workspace = await room.open(`run_${++count}`, repository)
})

const signal = () => AbortSignal.timeout(20_000)
const listing = () =>
  runIn(workspace, 'find . -mindepth 1 -not -path "./build*" | sort; cat src/* crlf.txt 2>/dev/null; true')

describe('a snapshot', () => {
  test('of an untouched tree is the tree of the base commit, line endings too', async () => {
    const { commit, leftOut } = await workspace.snapshot('nothing yet')
    expect(leftOut).toEqual([])
    expect(await workspace.proposal()).toEqual([])
    await expect(
      workspace.commit({ message: 'x', author: { name: 'a', email: 'b' }, date: new Date(0) }),
    ).rejects.toMatchObject({ code: 'nothing_to_propose' })
    expect((await workspace.snapshot('nothing again')).commit).toBe(commit)
  })

  test('names what it leaves out: too large, not a file, ignored, unreadable to git', async () => {
    await runIn(
      workspace,
      'head -c 20000 /dev/zero > huge; mkfifo pipe; mkdir build; touch build/x y.log; echo fine > fine',
    )
    const { commit, leftOut } = await workspace.snapshot('odd things')
    expect(leftOut.sort()).toEqual(['build/ (ignored)', 'huge (20 KB is too large)', 'y.log (ignored)'])
    await workspace.restore(commit)
    expect(await runIn(workspace, 'cat fine; ls')).toContain('fine\n')
  })

  test('is bounded in files and in bytes', async () => {
    await runIn(workspace, 'for i in $(seq 100); do echo $i > n$i; done')
    const { leftOut } = await workspace.snapshot('many')
    expect(leftOut.filter((line) => line.endsWith('(too many files)'))).toHaveLength(60)
    await runIn(workspace, 'rm n*; for i in $(seq 10); do head -c 9000 /dev/zero > m$i; done')
    const second = await workspace.snapshot('much')
    expect(second.leftOut.filter((line) => line.endsWith('(too much in all)'))).toHaveLength(5)
  })

  test('is a sound git object, and so is everything around it', async () => {
    await runIn(workspace, 'echo x > new && ln -s new link')
    const { commit } = await workspace.snapshot('label with\0zero and\nlines')
    const gitDir = join(room.folder, 'runs', workspace.runId, '1/git')
    execFileSync('git', ['--git-dir', gitDir, 'fsck', '--strict', commit], { stdio: 'pipe' })
    const refs = execFileSync('git', ['--git-dir', gitDir, 'for-each-ref', '--format=%(refname)']).toString()
    expect(refs).toContain(`refs/journeyman/snapshots/${commit}`)
  })

  test('sees a change that keeps size and time of a file', async () => {
    await workspace.snapshot('before')
    await runIn(
      workspace,
      'touch -r src/a.txt stamp && printf "z\\n" > src/a.txt && touch -r stamp src/a.txt && rm stamp',
    )
    expect((await workspace.proposal()).map(({ path, addedText }) => [path, addedText])).toEqual([['src/a.txt', 'z\n']])
  })

  test.each([
    [
      'files become folders and folders become files',
      'rm src/a.txt && mkdir src/a.txt && echo x > src/a.txt/in && rm crlf.txt && ln -s src crlf.txt',
    ],
    ['a folder becomes a link to another', 'mkdir other && mv src/* other && rmdir src && ln -s other src'],
    ['everything is gone', 'rm -rf ./* .gitignore .gitattributes .journeyman.yml'],
    [
      'folders are closed to everybody',
      'mkdir -p deep/er && echo x > deep/er/x && chmod 555 deep/er && chmod 555 deep',
    ],
    ['permissions are odd', 'chmod 700 src/a.txt && chmod 444 src/b.txt && chmod 777 .'],
    ['names are odd', "touch -- '-n' 'a b' $'new\\nline' 'ü' '*' ':(top)x' '#'"],
  ])('brings back what was there when %s', async (_, script) => {
    const before = await workspace.snapshot('before')
    const untouched = await listing()
    await runIn(workspace, script)
    const after = await workspace.snapshot('after')
    const changed = await listing()
    await workspace.restore(before.commit)
    expect(await listing()).toBe(untouched)
    await workspace.restore(after.commit)
    expect(await listing()).toBe(changed)
    expect((await workspace.snapshot('the same')).leftOut).toEqual([])
  })

  test('is restored over a broken index, a closed tree and a planted repository', async () => {
    await runIn(workspace, 'echo two > src/b.txt')
    const { commit } = await workspace.snapshot('one')
    const there = await listing()
    await runIn(
      workspace,
      'mkdir .git && echo "ref: x" > .git/HEAD && rm -r src && mkdir -p src/b.txt && chmod 000 src',
    )
    await truncate(join(room.folder, 'runs', workspace.runId, '1/index/index'), 50)
    await chmod(workspace.root, 0o000)
    await workspace.restore(commit)
    expect(await listing()).toBe(there)
  })

  test('waits for commands, and commands wait for it', async () => {
    const order: string[] = []
    const slow = workspace
      .run({ command: 'sleep 0.3; echo done > late.txt', timeoutMs: 5_000, signal: signal() })
      .then(() => order.push('command'))
    const snapshot = workspace.snapshot('after the command').then(() => order.push('snapshot'))
    const next = runIn(workspace, 'cat late.txt').then(() => order.push('next'))
    await Promise.all([slow, snapshot, next])
    expect(order).toEqual(['command', 'snapshot', 'next'])
    expect((await workspace.proposal()).map(({ path }) => path)).toEqual(['late.txt'])
  })
})

describe('history', () => {
  test('reads what was, bounded, and nothing of the work tree', async () => {
    await writeFile(join(workspace.root, '.mailmap'), 'Mallory <m@example.com> <someone@example.com>\n')
    expect(await workspace.history.log({ limit: 5 })).toMatch(/Someone: The beginning/)
    expect(await workspace.history.log({ limit: 5, path: 'src/a.txt' })).toContain('The beginning')
    expect(await workspace.history.show('HEAD', 'src/a.txt')).toContain('+a')
    expect(await workspace.history.blame('src/a.txt', 1, 99)).toContain('Someone')
    await runIn(workspace, 'yes x | head -c 9000 > src/c.txt')
    expect(await workspace.history.diff()).toContain('+x')
    expect((await workspace.unifiedDiff(500)).endsWith('[the rest of the diff is left out]\n')).toBe(true)
  })

  test.each([
    () => workspace.history.show('0123456789'),
    () => workspace.history.show('HEAD~9'),
    () => workspace.history.blame('no/such', 1, 2),
  ])('what is not there is not found', async (ask) => {
    await expect(ask()).rejects.toMatchObject({ code: 'not_found' })
  })

  test.each(['../x', '/etc/passwd', 'a/../../x', '.git/config'])('a path like %j is refused', async (path) => {
    await expect(workspace.history.log({ limit: 1, path })).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(workspace.history.blame(path, 1, 2)).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

describe('checks', () => {
  test('are recorded as they came out, and leave nothing in the proposal', async () => {
    await runIn(workspace, 'echo change > src/a.txt')
    const seen: string[] = []
    const results = await runChecks(workspace, 'after', signal(), (text) => seen.push(text))
    expect(results.map(({ exitCode, outputTail, when }) => ({ exitCode, outputTail, when }))).toEqual([
      { exitCode: 1, outputTail: 'seen', when: 'after' },
      { exitCode: 0, outputTail: '42', when: 'after' },
    ])
    expect(seen).toHaveLength(2)
    expect((await workspace.proposal()).map(({ path }) => path)).toEqual(['src/a.txt'])
  })

  test('set-up ends at the first command that fails', async () => {
    const results = await runSetup(workspace, { timeoutMs: 10_000 }, signal())
    expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 3, null])
    expect(results[2]?.reason).toBe('it was not run: "exit 3" failed before it')
    expect(await readFile(join(workspace.root, 'installed.log'), 'utf8')).toBe('ready\n')
  })

  test('without a usable sandbox nothing is run, and the results say why', async () => {
    const closed = await room.again({ sandbox: plainSandbox(false) })
    const other = await closed.open(openRequest('run_unusable', repository), signal())
    const results = await runChecks(other, 'before', signal())
    expect(results.map(({ exitCode, reason }) => [exitCode, reason])).toEqual([
      [null, 'checks were not run: none, for a test'],
      [null, 'checks were not run: none, for a test'],
    ])
  })

  test('a command is ended when the workspace is closed, and none starts afterwards', async () => {
    const running = workspace.run({ command: 'sleep 30', timeoutMs: 60_000, signal: signal() })
    const ended = running.then(
      () => 'ended',
      () => 'ended',
    )
    await workspace.close()
    expect(await ended).toBe('ended')
    await expect(runIn(workspace, 'true')).rejects.toMatchObject({ code: 'stopped' })
  })
})

import { lstat, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestRepository } from './test-support/git-server.ts'
import { openTestRoom, runIn, type TestRoom } from './test-support/open-test-room.ts'

let room: TestRoom
let repository: TestRepository

beforeAll(async () => {
  room = await openTestRoom()
  repository = await room.server.createRepository('shop', {
    'README.md': '# Shop\n',
    'src/price.js': 'export const price = 1\n',
    'bin/start': { content: '#!/bin/sh\n', mode: 'executable' },
    latest: { content: 'src/price.js', mode: 'link' },
    '.gitignore': 'node_modules\n*.log\n',
  })
})
afterAll(() => room.close())

const author = { name: 'A Bot', email: 'bot@example.com' }
const date = new Date('2026-01-02T03:04:05Z')

describe('from open to push', () => {
  test('a change in the work tree becomes a commit on a branch of the remote', async () => {
    const workspace = await room.open('run_1', repository)
    await runIn(workspace, 'echo "export const price = 2" > src/price.js && echo new > "a file.txt" && rm README.md')
    const proposal = await workspace.proposal()
    expect(proposal.map(({ path, status, mode, bytes }) => ({ path, status, mode, bytes }))).toEqual([
      { path: 'README.md', status: 'deleted', mode: null, bytes: 0 },
      { path: 'a file.txt', status: 'added', mode: '100644', bytes: 4 },
      { path: 'src/price.js', status: 'modified', mode: '100644', bytes: 23 },
    ])
    expect(proposal[2]?.addedText).toBe('export const price = 2\n')
    expect(await workspace.unifiedDiff(10_000)).toContain('+export const price = 2')

    const commit = await workspace.commit({ message: 'shop: a better price', author, date })
    expect(await workspace.commit({ message: 'shop: a better price', author, date })).toBe(commit)
    await workspace.push({ commit, branch: 'journeyman/run_1', expected: null })
    expect((await repository.git('rev-parse', 'journeyman/run_1')).trim()).toBe(commit)
    expect(await repository.git('log', '-1', '--format=%an|%ae|%aI|%s|%P', commit)).toBe(
      `A Bot|bot@example.com|2026-01-02T03:04:05+00:00|shop: a better price|${workspace.baseSha}\n`,
    )
    // Twice is once.
    await workspace.push({ commit, branch: 'journeyman/run_1', expected: null })
  })

  test('a snapshot brings back exactly what was there', async () => {
    const workspace = await room.open('run_2', repository)
    await runIn(workspace, 'mkdir -p lib && echo one > lib/one && chmod +x lib/one && ln -s lib/one short && rm latest')
    await runIn(workspace, 'mkdir -p node_modules/x && echo kept > node_modules/x/y')
    const { commit, leftOut } = await workspace.snapshot('turn 1')
    expect(leftOut).toEqual(['node_modules/ (ignored)'])
    await runIn(
      workspace,
      'rm -rf lib && echo two > short2 && rm short && mkdir short && echo x > short/x && echo no > README.md',
    )
    await workspace.restore(commit)
    expect(await readFile(join(workspace.root, 'lib/one'), 'utf8')).toBe('one\n')
    expect((await lstat(join(workspace.root, 'lib/one'))).mode & 0o111).not.toBe(0)
    expect(await readlink(join(workspace.root, 'short'))).toBe('lib/one')
    expect(await runIn(workspace, 'ls -A | sort | tr "\\n" " "; cat README.md node_modules/x/y')).toBe(
      '.gitignore README.md bin lib node_modules short src # Shop\nkept\n',
    )
    expect((await workspace.snapshot('turn 2')).leftOut).toEqual(['node_modules/ (ignored)'])
  })
})

import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Workspace } from './contract.ts'
import { bubblewrapMissing, testLimits } from './sandbox/sandbox.fixture.ts'
import { createSandbox, type Sandbox } from './sandbox/sandbox.ts'
import { openTestRoom, runIn, type TestRoom } from './test-support/open-test-room.ts'

/** Both halves of the room together: git outside, commands and edits inside. */
const missing = await bubblewrapMissing()
const kinds = missing === null ? (['bubblewrap', 'none'] as const) : (['none'] as const)
if (missing !== null) console.warn(`Without bubblewrap: ${missing}`)

for (const kind of kinds) {
  let scratch: string
  let sandbox: Sandbox
  let room: TestRoom
  let workspace: Workspace

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'sandbox-scratch-'))
    await chmod(scratch, 0o755)
    sandbox = await createSandbox({ kind, limits: testLimits, scratchDir: scratch })
    room = await openTestRoom({ sandbox })
    const repository = await room.server.createRepository('shop', { 'a.txt': 'one\n', 'src/b.txt': 'two\n' })
    workspace = await room.open('run_1', repository)
  })
  afterAll(async () => {
    await room.close()
    await sandbox.close()
    await rm(scratch, { recursive: true, force: true })
  })

  test(`${kind}: what commands and edits change is seen by git and brought back, while the file server lives`, async () => {
    await workspace.files.write('new.txt', 'by an edit\n')
    await runIn(workspace, 'echo by a command >> src/b.txt')
    const { commit } = await workspace.snapshot('turn 1')
    await runIn(workspace, 'rm -r src; mkdir closed; touch closed/x; chmod 000 closed')
    await workspace.files.write('other.txt', 'gone afterwards')
    await workspace.restore(commit)
    expect(await workspace.files.read('src/b.txt')).toBe('two\nby a command\n')
    await workspace.files.write('src/b.txt', 'edited after the restore\n')
    expect(await runIn(workspace, 'cat src/b.txt; ls')).toContain('edited after the restore\n')
    expect((await workspace.proposal()).map(({ path }) => path)).toEqual(['new.txt', 'src/b.txt'])
  })

  test(`${kind}: nothing is left of a run that was removed while a command was under way`, async () => {
    const running = workspace.run({
      command: 'echo $$; sleep 60',
      timeoutMs: 60_000,
      signal: AbortSignal.timeout(30_000),
    })
    const outcome = running.then(
      () => 'ended',
      (error) => error.code,
    )
    await room.workspaces.remove('run_1')
    expect(await outcome).toBe('stopped')
    expect(existsSync(join(room.folder, 'runs/run_1'))).toBe(false)
  })
}

test.skipIf(missing !== null)(
  'a command sees neither the git directory, nor the mirrors, nor another run',
  async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'sandbox-scratch-'))
    await chmod(scratch, 0o755)
    const sandbox = await createSandbox({ kind: 'bubblewrap', limits: testLimits, scratchDir: scratch })
    const room = await openTestRoom({ sandbox })
    const repository = await room.server.createRepository('shop', { 'a.txt': 'one\n' })
    const workspace = await room.open('run_1', repository)
    await room.open('run_2', repository)
    const seen = await runIn(workspace, `ls -A; ls ${room.folder} .. ~/.. 2>&1; git log 2>&1; true`)
    for (const word of ['mirrors', 'run_2', 'state.json', 'The beginning', '.git\n']) expect(seen).not.toContain(word)
    await room.close()
    await sandbox.close()
    await rm(scratch, { recursive: true, force: true })
  },
)

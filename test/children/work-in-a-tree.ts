import { codeOf } from '../../src/domain/errors.ts'
import { testLimits } from '../../src/workspace/sandbox/sandbox.fixture.ts'
import { createSandbox } from '../../src/workspace/sandbox/sandbox.ts'
import { openRequest } from '../../src/workspace/test-support/open-test-room.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'

/**
 * A worker at its work, with a command under way and edits one after another, until each of its verbs has failed. Says
 * "working", and in the end the code of each failure.
 */
const [kind, folder, scratch, url, runId, command] = process.argv.slice(2) as [
  'bubblewrap' | 'none',
  string,
  string,
  string,
  string,
  string,
]
const sandbox = await createSandbox({ kind, limits: testLimits, scratchDir: scratch })
const workspaces = await createWorkspaces({ folder, sandbox, mirrorFreshSeconds: 600, mirrorsMaxMb: 100 })
const signal = AbortSignal.timeout(60_000)
const workspace = await workspaces.open(openRequest(runId, { url }), signal)
const failures = new Map<string, string>()
const attempt = async (name: string, work: () => Promise<unknown>): Promise<void> => {
  await work().catch((error: unknown) => failures.set(name, codeOf(error)))
}
await workspace.files.write('mine.txt', 'by the first\n')
const { commit } = await workspace.snapshot('before')
const begun = Promise.withResolvers<void>()
const underway = attempt('command', () =>
  workspace.run({ command, timeoutMs: 60_000, signal, onOutput: () => begun.resolve() }),
)
await begun.promise
const run = (text: string) => workspace.run({ command: text, timeoutMs: 5_000, signal })
const verbs: Record<string, () => Promise<unknown>> = {
  write: () => workspace.files.write('late.txt', 'by the first\n'),
  run: () => run('touch late-too.txt'),
  restore: () => workspace.restore(commit),
  snapshot: () => workspace.snapshot('late'),
  proposal: () => workspace.proposal(),
}
process.stdout.write('working\n')
while (Object.keys(verbs).some((name) => !failures.has(name))) {
  for (const [name, verb] of Object.entries(verbs)) await attempt(name, verb)
}
await underway
process.stdout.write(`over ${JSON.stringify(Object.fromEntries(failures))}\n`)
await workspaces.close()
await sandbox.close()

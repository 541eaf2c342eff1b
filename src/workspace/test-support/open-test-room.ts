import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OpenRequest, Workspace, Workspaces } from '../contract.ts'
import { sandboxOwner } from '../sandbox/owner.ts'
import type { WorkspaceSandbox } from '../workspace-sandbox.ts'
import { createWorkspaces, type WorkspacesOptions } from '../workspaces.ts'
import { startGitServer, type TestGitServer, type TestRepository, testCredential, testPath } from './git-server.ts'

/** Commands without a sandbox, as its user: these suites are about git. */
export const plainSandbox = (usable = true): WorkspaceSandbox => ({
  status: { kind: 'none', usable, summary: 'none, for a test', attempts: [] },
  owner: sandboxOwner(),
  killAll: async () => {},
  run: ({ command, root, scratch, signal, timeoutMs }) =>
    new Promise((resolve, reject) => {
      const child = spawn('bash', ['-c', command], {
        cwd: root,
        env: { PATH: testPath, HOME: scratch },
        stdio: ['ignore', 'pipe', 'pipe'],
        signal,
        timeout: timeoutMs,
        ...(sandboxOwner() ?? {}),
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
      child.on('error', reject)
      child.on('close', (exitCode, end) =>
        resolve({ exitCode, signal: end, timedOut: end !== null, output, outputBytes: output.length, durationMs: 1 }),
      )
    }),
  files: (root) => ({
    read: (path) => readFile(join(root, path), 'utf8'),
    write: (path, content) => writeFile(join(root, path), content),
    list: async () => [],
    search: async () => [],
    close: async () => {},
  }),
})

export type TestRoom = {
  folder: string
  server: TestGitServer
  workspaces: Workspaces
  open: (runId: string, repository: TestRepository, more?: Partial<OpenRequest>) => Promise<Workspace>
  /** Another process's view on the same folder. */
  again: (options?: Partial<WorkspacesOptions>) => Promise<Workspaces>
  close: () => Promise<void>
}

export const openTestRoom = async (options: Partial<WorkspacesOptions> = {}): Promise<TestRoom> => {
  const folder = await mkdtemp(join(tmpdir(), 'workspaces-'))
  await chmod(folder, 0o711)
  const server = await startGitServer()
  const again: TestRoom['again'] = (more = {}) =>
    createWorkspaces({
      folder,
      sandbox: plainSandbox(),
      mirrorFreshSeconds: 0,
      mirrorsMaxMb: 100,
      ...options,
      ...more,
    })
  const workspaces = await again()
  return {
    folder,
    server,
    workspaces,
    again,
    open: (runId, repository, more = {}) =>
      workspaces.open(openRequest(runId, repository, more), AbortSignal.timeout(30_000)),
    close: async () => {
      await workspaces.close()
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export const openRequest = (
  runId: string,
  repository: Pick<TestRepository, 'url'>,
  more: Partial<OpenRequest> = {},
): OpenRequest => ({
  runId,
  epoch: 1,
  repository: 'acme/shop',
  cloneUrl: repository.url,
  credential: async () => testCredential,
  base: { branch: 'main' },
  snapshot: null,
  ...more,
})

export const runIn = async (workspace: Workspace, command: string): Promise<string> => {
  const result = await workspace.run({ command, timeoutMs: 20_000, signal: AbortSignal.timeout(30_000) })
  if (result.exitCode !== 0) throw new Error(`${command}: ${result.output}`)
  return result.output
}

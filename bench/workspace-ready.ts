import { execFile } from 'node:child_process'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loadConfig } from '../src/config/load-config.ts'
import type { OpenRequest, Workspaces } from '../src/workspace/contract.ts'
import { createSandbox } from '../src/workspace/sandbox/sandbox.ts'
import { startGitServer, type TestRepository, testCredential } from '../src/workspace/test-support/git-server.ts'
import { createWorkspaces } from '../src/workspace/workspaces.ts'
import { manyFiles } from './many-files.ts'
import type { Measurement, Result } from './measurement.ts'
import type { Bench } from './open-bench.ts'
import { median, timed } from './statistics.ts'

const execute = promisify(execFile)
const sizes = [400, 6_500]

/**
 * A workspace from a mirror that is up to date, beside `git worktree add` from the same mirror, in turns. Ours has a git
 * directory of its own, a work tree that belongs to the sandbox's user, and the repository's settings read; and before it,
 * as the default configuration wants it, the remote has been asked whether there is anything new. That question is shown
 * apart, since the bare command does not ask it.
 */
export const workspaceReady: Measurement = {
  name: 'workspace-ready',
  measure: async (bench) => {
    const server = await startGitServer()
    bench.after(server.close)
    const results: Result[] = []
    for (const files of sizes) {
      const repository = await server.createRepository(`shop-${files}`, manyFiles(files))
      results.push(...(await compare(bench, repository, files)))
    }
    return results
  },
}

const compare = async (bench: Bench, repository: TestRepository, files: number): Promise<Result[]> => {
  const { workspaces, asking, folder } = await openRoom(bench)
  const warm = await workspaces.open(requestOf(repository, 'run_warm'), AbortSignal.timeout(60_000))
  await warm.close()
  const mirror = join(
    folder,
    'mirrors',
    (await readdir(join(folder, 'mirrors'))).find((name) => name.endsWith('.git'))!,
  )
  const times = { ours: [] as number[], asking: [] as number[], bare: [] as number[] }
  const rounds = bench.rounds(files > 1_000 ? 3 : 12)
  for (let round = 0; round < rounds; round++) {
    const tree = join(folder, `bare-${round}`)
    times.bare.push(
      await timed(() => execute('git', ['--git-dir', mirror, 'worktree', 'add', '--detach', '-q', tree, 'main'])),
    )
    await rm(tree, { recursive: true })
    await execute('git', ['--git-dir', mirror, 'worktree', 'prune'])
    times.ours.push(await timeToOpen(workspaces, repository, `run_taken_${round}`))
    times.asking.push(await timeToOpen(asking, repository, `run_asked_${round}`))
  }
  const bare = median(times.bare)
  const row = (title: string, ms: number, bars: { floor: number | null; goal: number | null }): Result => ({
    name: `${title}, ${files} files`,
    value: ms / bare,
    unit: '×',
    ...bars,
    better: 'lower',
    note: `${Math.round(ms)} ms, git worktree add ${Math.round(bare)} ms`,
  })
  return [
    row('a workspace ready over `git worktree add`', median(times.ours), { floor: 1.3, goal: 1.1 }),
    row('the same with the remote asked first', median(times.asking), { floor: null, goal: null }),
  ]
}

const timeToOpen = async (workspaces: Workspaces, repository: TestRepository, runId: string): Promise<number> => {
  const begunMs = performance.now()
  const workspace = await workspaces.open(requestOf(repository, runId), AbortSignal.timeout(60_000))
  const ms = performance.now() - begunMs
  await workspace.close()
  await workspaces.remove(runId)
  return ms
}

/** Two views on one folder: a mirror fetched a moment ago is taken as it is, or the remote is asked each time. */
const openRoom = async (bench: Bench) => {
  const folder = await bench.folder()
  const { config } = loadConfig({ folder, environment: {} })
  const { kind, ...limits } = config.sandbox
  const sandbox = await createSandbox({ kind, limits, scratchDir: join(folder, 'sandbox') })
  bench.after(sandbox.close)
  const view = async (mirrorFreshSeconds: number): Promise<Workspaces> => {
    const { mirrors_max_mb: mirrorsMaxMb } = config.workspace
    const opened = await createWorkspaces({ folder: join(folder, 'work'), sandbox, mirrorFreshSeconds, mirrorsMaxMb })
    bench.after(opened.close)
    return opened
  }
  return {
    folder: join(folder, 'work'),
    workspaces: await view(3_600),
    asking: await view(config.workspace.mirror_fresh_seconds),
  }
}

const requestOf = (repository: TestRepository, runId: string): OpenRequest => ({
  runId,
  repository: 'acme/shop',
  cloneUrl: repository.url,
  credential: async () => testCredential,
  base: { branch: 'main' },
  epoch: 1,
  snapshot: null,
})

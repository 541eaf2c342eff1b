import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { JourneymanError } from '../../domain/errors.ts'
import type { Workspace } from '../../workspace/contract.ts'

const execute = promisify(execFile)

export type FolderWorkspace = Workspace & { tree: () => Promise<Record<string, string>>; remove: () => Promise<void> }

/** A workspace over a plain folder: real files, real commands, snapshots as copies beside it; no git, no sandbox. For the loop. */
export const folderWorkspace = async (files: Record<string, string>): Promise<FolderWorkspace> => {
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-agent-'))
  const root = join(folder, 'tree')
  await mkdir(root)
  const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder }
  let snapshots = 0
  const inside = (path: string) => {
    if (path.startsWith('/') || path.split('/').includes('..')) {
      throw new JourneymanError('invalid_input', `"${path}" is not a path inside the repository.`)
    }
    return join(root, path)
  }
  const write = async (path: string, content: string) => {
    await mkdir(dirname(inside(path)), { recursive: true })
    await writeFile(inside(path), content)
  }
  const snapshot = async () => {
    snapshots += 1
    const commit = `snapshot-${snapshots}`
    await cp(root, join(folder, commit), { recursive: true })
    return { commit, leftOut: [] }
  }
  for (const [path, content] of Object.entries(files)) await write(path, content)
  const { commit: baseSha } = await snapshot()

  return {
    runId: 'run_test',
    root,
    fresh: false,
    ready: async () => undefined,
    baseSha,
    settings: {
      setup: [],
      checks: [],
      checksFrom: 'none',
      allowed_domains: [],
      protected_paths: [],
      workflow: null,
      instructions: null,
    },
    files: {
      read: async (path) => {
        const found = await stat(inside(path)).catch(() => null)
        if (!found) throw new JourneymanError('not_found', `The path ${path} does not exist.`)
        if (found.isDirectory()) throw new JourneymanError('invalid_input', `${path} is a directory.`)
        return readFile(inside(path), 'utf8')
      },
      write,
      list: async (path) => {
        const entries = await readdir(inside(path), { withFileTypes: true, recursive: true })
        return entries.map((entry) => ({
          path: join(entry.parentPath, entry.name).slice(root.length + 1),
          kind: entry.isDirectory() ? ('directory' as const) : ('file' as const),
          bytes: 0,
        }))
      },
      search: async ({ pattern, limit }) => {
        const found = await execute('grep', ['-rnE', '--', pattern, '.'], { cwd: root }).catch(() => ({ stdout: '' }))
        return found.stdout
          .split('\n')
          .filter(Boolean)
          .slice(0, limit)
          .map((line) => {
            const [path = '', number = '0', ...text] = line.split(':')
            return { path: path.replace('./', ''), line: Number(number), text: text.join(':') }
          })
      },
    },
    history: {
      log: async () => 'abc1234 the beginning',
      show: async (commit) => `commit ${commit}`,
      blame: async (path, from, to) => `${path} ${from}-${to}`,
      diff: async () => '',
    },
    run: async ({ command, timeoutMs, signal }) => {
      const started = performance.now()
      const ran = await execute('bash', ['-c', command], {
        cwd: root,
        env: environment,
        timeout: timeoutMs,
        signal,
      }).then(
        ({ stdout, stderr }) => ({ exitCode: 0, output: stdout + stderr, timedOut: false }),
        (error: { code?: unknown; killed?: boolean; stdout?: string; stderr?: string }) => {
          if (signal.aborted) throw new JourneymanError('stopped', 'The command was stopped.')
          const exitCode = typeof error.code === 'number' ? error.code : null
          return { exitCode, output: `${error.stdout ?? ''}${error.stderr ?? ''}`, timedOut: error.killed === true }
        },
      )
      return { ...ran, signal: null, outputBytes: ran.output.length, durationMs: performance.now() - started }
    },
    snapshot,
    restore: async (commit) => {
      await stat(join(folder, commit)).catch(() => {
        throw new JourneymanError('workspace_lost', `There is no ${commit}.`)
      })
      await rm(root, { recursive: true })
      await cp(join(folder, commit), root, { recursive: true })
    },
    proposal: async () => [],
    unifiedDiff: async () => '',
    commit: async () => baseSha,
    push: async () => undefined,
    close: async () => undefined,
    tree: async () => {
      const entries = await readdir(root, { withFileTypes: true, recursive: true })
      const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
      const read = paths.sort().map(async (path) => [path.slice(root.length + 1), await readFile(path, 'utf8')])
      return Object.fromEntries(await Promise.all(read))
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

import { JourneymanError } from '../../src/domain/errors.ts'
import type { CommandRequest, OpenRequest, ProposedFile, Workspace, Workspaces } from '../../src/workspace/contract.ts'
import { commitId, type MemoryHost } from './memory-version-control.ts'

/** A command of a test: what it does to the tree, and how it ends. */
export type MemoryCommand = (
  tree: Map<string, string>,
  request: CommandRequest,
) => Promise<{ exitCode: number; output?: string }>

/** Work trees in memory that stay when a workspace is closed, as a disk's do. For tests of what stands above the room. */
export type MemoryWorkspaces = Workspaces & {
  trees: Map<string, Map<string, string>>
  /** How often a workspace was opened for a run and is not closed. */
  openCount: () => number
}

export const memoryWorkspaces = (
  host: MemoryHost,
  commands: Record<string, MemoryCommand> = {},
  base: Record<string, string> = { 'README.md': 'Shop\n' },
): MemoryWorkspaces => {
  const trees = new Map<string, Map<string, string>>()
  /** By run and commit: what goes with a run goes for it alone. */
  const snapshots = new Map<string, string>()
  const keyOf = (runId: string, commit: string) => `${runId} ${commit}`
  let openNow = 0
  const baseSha = commitId(JSON.stringify(Object.entries(base)))

  const restore = (runId: string, commit: string) => {
    const kept = commit === baseSha ? JSON.stringify(Object.entries(base)) : snapshots.get(keyOf(runId, commit))
    if (kept === undefined) throw new JourneymanError('workspace_lost', `There is no snapshot ${commit}.`)
    trees.set(runId, new Map(JSON.parse(kept) as [string, string][]))
  }
  const open = async (request: OpenRequest): Promise<Workspace> => {
    restore(request.runId, request.snapshot ?? baseSha)
    openNow += 1
    return workspaceOf(request.runId)
  }
  const workspaceOf = (runId: string): Workspace => {
    let closed = false
    const tree = () => {
      if (closed) throw new JourneymanError('stopped', 'This workspace has been closed.')
      return trees.get(runId) as Map<string, string>
    }
    const snapshot = async () => {
      const text = JSON.stringify([...tree()].sort())
      snapshots.set(keyOf(runId, commitId(text)), text)
      return { commit: commitId(text), leftOut: [] }
    }
    return {
      runId,
      root: `/work/${runId}`,
      fresh: false,
      ready: async () => undefined,
      baseSha,
      settings: noSettings,
      files: {
        read: async (path) => tree().get(path) ?? '',
        write: async (path, content) => void tree().set(path, content),
        list: async () => [],
        search: async () => [],
      },
      history: { log: async () => '', show: async () => '', blame: async () => '', diff: async () => '' },
      run: async (request) => {
        const command = commands[request.command]
        if (!command) throw new Error(`The test has no command "${request.command}".`)
        const { exitCode, output = '' } = await command(tree(), request)
        return { exitCode, signal: null, timedOut: false, output, outputBytes: output.length, durationMs: 1 }
      },
      snapshot,
      restore: async (commit) => restore(runId, commit),
      proposal: async () => proposalOf(base, tree()),
      unifiedDiff: async () => '',
      commit: async ({ message, date }) => commitId(JSON.stringify([[...tree()].sort(), message, date.toISOString()])),
      push: async ({ branch, commit, expected }) => host.push(branch, commit, expected),
      close: async () => {
        if (!closed) openNow -= 1
        closed = true
      },
    }
  }
  return {
    sandbox: { kind: 'none', usable: true, summary: 'in memory', attempts: [] },
    open,
    remove: async (runId, { keepSnapshots = false } = {}) => {
      trees.delete(runId)
      if (!keepSnapshots) for (const key of snapshots.keys()) if (key.startsWith(`${runId} `)) snapshots.delete(key)
    },
    list: async () => [...trees.keys()],
    close: async () => undefined,
    trees,
    openCount: () => openNow,
  }
}

const noSettings: Workspace['settings'] = {
  setup: [],
  checks: [],
  checksFrom: 'none',
  allowed_domains: [],
  protected_paths: [],
  workflow: null,
  instructions: null,
}

const proposalOf = (base: Record<string, string>, tree: Map<string, string>): ProposedFile[] =>
  [...tree]
    .filter(([path, content]) => base[path] !== content)
    .map(([path, content]) => ({
      path,
      status: path in base ? 'modified' : 'added',
      additions: content.split('\n').length - 1,
      deletions: 0,
      mode: '100644',
      bytes: content.length,
      binary: false,
      addedText: content,
    }))

import { JourneymanError } from '../domain/errors.ts'
import { createAccessTurns } from './access-turns.ts'
import { commitTree, type Person } from './commit.ts'
import type { CommandRequest, FileTools, OpenRequest, RepositorySettings, Workspace } from './contract.ts'
import type { Git } from './git.ts'
import { createHistory } from './history.ts'
import { readProposal, readUnifiedDiff } from './proposal.ts'
import { pushCommit } from './push.ts'
import { type RecordedTree, type RecordLimits, recordTree } from './record-tree.ts'
import type { RunPlace } from './run-place.ts'
import { createSharer, restoreFromAnywhere, type SnapshotShare } from './shared-snapshots.ts'
import { type Snapshot, takeSnapshot, treeOf } from './snapshot.ts'
import type { WorkspaceSandbox } from './workspace-sandbox.ts'
import { noteReady } from './worktree.ts'

export type WorkspaceParts = {
  git: Git
  sandbox: WorkspaceSandbox
  place: RunPlace
  fresh: boolean
  baseSha: string
  submodules: string[]
  settings: RepositorySettings
  recordLimits: RecordLimits
  committer: Person
  pushTimeoutMs: number
  request: Pick<OpenRequest, 'cloneUrl' | 'credential' | 'snapshot'>
  share?: SnapshotShare | undefined
  onClose: () => void
}

/** A workspace over an open work tree. One object per run and process: it knows when a command is under way. */
export const createWorkspace = (parts: WorkspaceParts): Workspace => {
  const { git, place, baseSha, sandbox } = parts
  const turns = createAccessTurns()
  const files = sandbox.files(place.tree, place.home)
  const shareSnapshot = createSharer(git, place, parts.share, { baseSha, opened: parts.request.snapshot })
  const closing = new AbortController()
  let baseTree: string | undefined
  let last: Snapshot | undefined

  const knownBaseTree = async () => (baseTree ??= await treeOf(git, place, baseSha))
  const record = (): Promise<RecordedTree> =>
    recordTree(git, place, parts.recordLimits, { submodules: parts.submodules, lastTree: last?.tree })
  const unifiedDiff = async (maxBytes: number) => {
    const { tree } = await turns.exclusive(record)
    return readUnifiedDiff(git, place, { base: baseSha, tree }, maxBytes)
  }
  const requireOpen = () => {
    if (closing.signal.aborted) throw new JourneymanError('stopped', 'This workspace has been closed.')
  }

  return {
    runId: place.runId,
    root: place.tree,
    fresh: parts.fresh,
    baseSha,
    settings: parts.settings,
    files: sharing(files, turns.shared),
    history: createHistory(git, place, baseSha, () => unifiedDiff(maxHistoryDiffBytes)),
    run: (request: CommandRequest) =>
      turns.shared(async () => {
        requireOpen()
        requireUsable(sandbox)
        return sandbox.run({
          ...request,
          signal: AbortSignal.any([request.signal, closing.signal]),
          root: place.tree,
          scratch: place.home,
          allowedDomains: request.network ? parts.settings.allowed_domains : [],
        })
      }),
    snapshot: (label) =>
      turns
        .exclusive(async () => {
          last = await takeSnapshot(place, { label, baseSha, record, last })
          return { commit: last.commit, leftOut: shorten(last.leftOut) }
        })
        .then(async (taken) => {
          // Outside of the turn: commands may go on meanwhile.
          await shareSnapshot(taken.commit)
          return taken
        }),
    restore: (commit) =>
      turns.exclusive(async () => {
        last = undefined
        await restoreFromAnywhere(git, place, parts.share, commit)
      }),
    proposal: () => turns.exclusive(async () => readProposal(git, place, baseSha, (await record()).tree)),
    unifiedDiff,
    commit: (request) =>
      turns.exclusive(async () => {
        const { tree } = await record()
        return commitTree(git, place, {
          ...request,
          tree,
          baseSha,
          baseTree: await knownBaseTree(),
          committer: parts.committer,
        })
      }),
    push: (request) => pushCommit(git, place, { ...request, ...parts.request, timeoutMs: parts.pushTimeoutMs }),
    ready: () => noteReady(place),
    close: async () => {
      closing.abort(new JourneymanError('stopped', 'This workspace has been closed.'))
      await files.close()
      await sandbox.killAll(place.tree)
      await turns.idle()
      parts.onClose()
    },
  }
}

const requireUsable = ({ status }: WorkspaceSandbox): void => {
  if (!status.usable) throw new JourneymanError('sandbox_unavailable', status.summary)
}

const maxHistoryDiffBytes = 48 * 1024
const maxNamed = 100

const shorten = (leftOut: string[]): string[] =>
  leftOut.length <= maxNamed ? leftOut : [...leftOut.slice(0, maxNamed), `and ${leftOut.length - maxNamed} more`]

const sharing = (files: FileTools, shared: <T>(work: () => Promise<T>) => Promise<T>): FileTools => ({
  read: (path) => shared(() => files.read(path)),
  write: (path, content) => shared(() => files.write(path, content)),
  list: (path, depth, limit) => shared(() => files.list(path, depth, limit)),
  search: (request) => shared(() => files.search(request)),
})

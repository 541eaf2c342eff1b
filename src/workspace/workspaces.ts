import { mkdir, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { JourneymanError } from '../domain/errors.ts'
import { type FoundBase, findBase, readBase } from './base-files.ts'
import { runBoundedProcess } from './bounded-process.ts'
import type { Person } from './commit.ts'
import type { OpenRequest, Workspace, Workspaces } from './contract.ts'
import { createGit, type Git } from './git.ts'
import { requireBranchName, requireCommitId } from './git-names.ts'
import { createMirrors, type Mirror, type MirrorRequest, type Mirrors } from './mirror.ts'
import { prepareTree } from './prepare-tree.ts'
import { createProgramRunner, type ProgramRunner } from './program-runner.ts'
import type { RecordLimits } from './record-tree.ts'
import { isReduced, reduceToSnapshots, removeRun } from './remove-run.ts'
import { requireGit } from './require-git.ts'
import { type Identity, runPlaceOf } from './run-place.ts'
import { requireReachable } from './sandbox/owner.ts'
import { repositorySettings, settingsSources } from './settings.ts'
import type { SnapshotShare } from './shared-snapshots.ts'
import { placesOf } from './take-over.ts'
import { whileOwned } from './while-owned.ts'
import { createWorkspace } from './workspace.ts'
import type { WorkspaceSandbox } from './workspace-sandbox.ts'
import { isReady, readState } from './worktree.ts'

export type WorkspacesOptions = {
  /** Holds `mirrors/` and `runs/`. */
  folder: string
  sandbox: WorkspaceSandbox
  mirrorFreshSeconds: number
  mirrorsMaxMb: number
  /** Who signs as the committer of what is proposed. */
  committer?: Person
  /** Where programs are looked for, and what else of the environment git may see: a proxy, certificates. */
  searchPath?: string
  gitEnvironment?: Record<string, string>
  recordLimits?: RecordLimits
  remoteTimeoutMs?: number
  /** Where snapshots are kept for workers on other hosts. */
  share?: SnapshotShare | undefined
}

const defaults = {
  committer: { name: 'Journeyman', email: 'journeyman@users.noreply.github.com' },
  searchPath: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin',
  recordLimits: { maxFileBytes: 50 * 1024 * 1024, maxTotalBytes: 500 * 1024 * 1024, maxFiles: 20_000 },
  remoteTimeoutMs: 600_000,
}

type Room = Required<Omit<WorkspacesOptions, 'gitEnvironment' | 'searchPath' | 'share'>> & {
  share?: SnapshotShare | undefined
  git: Git
  runner: ProgramRunner
  mirrors: Mirrors
  runsFolder: string
  open: Map<string, Workspace>
}

export const createWorkspaces = async (options: WorkspacesOptions): Promise<Workspaces> => {
  const room = await createRoom(options)
  return {
    sandbox: options.sandbox.status,
    open: (request, signal) => openWorkspace(room, request, signal),
    remove: async (runId, { keepSnapshots = false } = {}) => {
      await room.open.get(runId)?.close()
      if (keepSnapshots && (await isReduced(room.runsFolder, runId))) return
      await (keepSnapshots ? reduceToSnapshots : removeRun)(room.runsFolder, runId)
      await room.mirrors.trim()
    },
    list: () => runIds(room.runsFolder),
    close: async () => {
      await Promise.all([...room.open.values()].map((workspace) => workspace.close()))
      await room.runner.close()
    },
  }
}

const createRoom = async (options: WorkspacesOptions): Promise<Room> => {
  await mkdir(options.folder, { recursive: true, mode: 0o711 })
  // By its one name, so that two workers which were told of it by different ones know each other's processes.
  const folder = await realpath(options.folder)
  const runsFolder = join(folder, 'runs')
  const mirrorsFolder = join(folder, 'mirrors')
  // Others may pass through to the work tree that is theirs, and see nothing on the way.
  await mkdir(runsFolder, { recursive: true, mode: 0o711 })
  await mkdir(mirrorsFolder, { recursive: true, mode: 0o750 })
  const settings = {
    searchPath: options.searchPath ?? defaults.searchPath,
    environment: options.gitEnvironment ?? {},
  }
  // The start does not wait for the runner.
  await requireGit(createGit({ ...settings, run: runBoundedProcess }), folder)
  const runner = createProgramRunner()
  const git = createGit({ ...settings, run: runner.run })
  await requireReachable(ownerOf(options.sandbox), join(runsFolder, 'any'))
  const filled = { ...defaults, ...options }
  const mirrors = createMirrors({
    folder: mirrorsFolder,
    git,
    maxBytes: options.mirrorsMaxMb * 1024 * 1024,
    fetchTimeoutMs: filled.remoteTimeoutMs,
    inUse: () => mirrorsInUse(runsFolder),
  })
  return { ...filled, git, runner, mirrors, runsFolder, open: new Map() }
}

/** Where no command can run, nothing has to belong to anybody else, and the folder may be closed to others. */
const ownerOf = ({ status, owner }: WorkspaceSandbox): Identity | null => (status.usable ? owner : null)

const openWorkspace = async (room: Room, request: OpenRequest, signal: AbortSignal): Promise<Workspace> => {
  await room.open.get(request.runId)?.close()
  const place = runPlaceOf(
    room.runsFolder,
    { runId: request.runId, epoch: request.epoch },
    ownerOf(room.sandbox) ?? undefined,
  )
  const { mirror, base } = await prepareMirror(room, request, signal)
  const baseSha = base.commit
  const ownerUid = place.owner?.uid ?? null
  const preparing = prepareTree({
    git: room.git,
    place,
    state: { format: 1, cloneUrl: request.cloneUrl, mirror: mirror.name, baseSha, ownerUid },
    mirrorGitDir: mirror.gitDir,
    remakeMirror: () => room.mirrors.remake({ ...request, signal, fetchedSince: Date.now() }),
    snapshot: request.snapshot,
    share: room.share,
    signal,
  })
  // Whatever fails, nobody writes in the run's folder any more when this is over.
  const quiet = preparing.catch(() => undefined)
  const [settings, submodules] = await Promise.all([
    readBase(room.git, mirror.gitDir, base, settingsSources).then(repositorySettings),
    base.blobs.has('.gitmodules') ? submodulesOf(room.git, mirror.gitDir, baseSha) : [],
  ]).finally(() => quiet)
  await preparing
  const workspace: Workspace = whileOwned(
    place,
    createWorkspace({
      ...room,
      place,
      fresh: !(await isReady(place)),
      baseSha,
      submodules,
      settings,
      pushTimeoutMs: room.remoteTimeoutMs,
      request,
      onClose: () => {
        if (room.open.get(request.runId) === workspace) room.open.delete(request.runId)
      },
    }),
  )
  room.open.set(request.runId, workspace)
  return workspace
}

/** The mirror and the commit to start from; a mirror that cannot show its own commit is made anew, once. */
const prepareMirror = async (
  room: Room,
  request: OpenRequest,
  signal: AbortSignal,
): Promise<{ mirror: Mirror; base: FoundBase }> => {
  const wanted =
    'sha' in request.base ? requireCommitId(request.base.sha) : `refs/heads/${requireBranchName(request.base.branch)}`
  const asked = Date.now()
  const ask: MirrorRequest = { ...request, signal, fetchedSince: asked - room.mirrorFreshSeconds * 1000 }
  const tries = [
    // A commit does not move: any mirror that has it will do.
    () => room.mirrors.ensure('sha' in request.base ? { ...ask, fetchedSince: 1 } : ask),
    () => room.mirrors.ensure({ ...ask, fetchedSince: asked }),
    () => room.mirrors.remake(ask),
  ]
  for (const attempt of tries) {
    const mirror = await attempt()
    const base = await findBase(room.git, mirror.gitDir, wanted, [...settingsSources, '.gitmodules'])
    if (base !== undefined) return { mirror, base }
  }
  const name = 'sha' in request.base ? `commit ${wanted.slice(0, 12)}` : `branch ${request.base.branch}`
  throw new JourneymanError('not_found', `${request.repository} has no ${name}.`)
}

const submodulesOf = async (git: Git, gitDir: string, baseSha: string): Promise<string[]> => {
  const listed = await git({ gitDir }, ['ls-tree', '-r', '-z', baseSha], { what: 'looking for submodules' })
  return listed.stdout
    .toString('utf8')
    .split('\0')
    .filter((record) => record.startsWith('160000 '))
    .map((record) => record.slice(record.indexOf('\t') + 1))
}

const runIds = async (runsFolder: string): Promise<string[]> => {
  const entries = await readdir(runsFolder, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}

const mirrorsInUse = async (runsFolder: string): Promise<Set<string>> => {
  const places = await Promise.all((await runIds(runsFolder)).map((runId) => placesOf(runsFolder, runId)))
  const states = await Promise.all(places.flat().map(readState))
  return new Set(states.flatMap((state) => (state ? [state.mirror] : [])))
}

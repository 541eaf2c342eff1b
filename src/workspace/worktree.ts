import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeBareRepository } from './bare-repository.ts'
import type { Git } from './git.ts'
import { emptyFolder, removeTree } from './remove-tree.ts'
import { gitPlaceOf, pointHead, type RunPlace, setHead, writeAtomically, writerOf } from './run-place.ts'
import { giveTreeTo } from './sandbox/owner.ts'

/** Written last: a run folder without it was not finished. */
export type WorktreeState = { format: 1; cloneUrl: string; mirror: string; baseSha: string; ownerUid: number | null }

export const readState = async (place: RunPlace): Promise<WorktreeState | undefined> => {
  try {
    const state = JSON.parse(await readFile(place.stateFile, 'utf8')) as WorktreeState
    return state.format === 1 ? state : undefined
  } catch {
    return undefined
  }
}

/**
 * A git directory of the run's own that borrows the mirror's objects, and the work tree beside it. `git worktree add` would
 * leave a `.git` file in the tree and the run's state in the mirror.
 */
export const makeWorktree = async (
  git: Git,
  place: RunPlace,
  request: { state: WorktreeState; mirrorGitDir: string; signal: AbortSignal },
): Promise<void> => {
  await removeTree(place.folder)
  // Others may pass through to the work tree that is theirs.
  await mkdir(place.folder, { recursive: true, mode: 0o711 })
  await writeBareRepository(place.gitDir, [`${request.mirrorGitDir}/objects`])
  await chmod(place.gitDir, 0o750)
  await makeFolders(place)
  await pointHead(place)
  await setHead(place, request.state.baseSha)
  await checkOut(git, place, request.state.baseSha, { signal: request.signal })
  await writeAtomically(place.stateFile, JSON.stringify(request.state))
}

/** The folders beside the git directory, where they are not there. */
export const makeFolders = async (place: RunPlace): Promise<void> => {
  await Promise.all(
    [place.tree, place.home, dirname(place.indexFile)].map(async (path) => {
      if (!(await isThere(path))) await makeOwned(place, path)
    }),
  )
}

/** The sandbox became usable, or ceased to be, since the run was begun. */
export const handOver = async (place: RunPlace, state: WorktreeState): Promise<void> => {
  const owner = place.owner ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  for (const path of [place.tree, place.home, dirname(place.indexFile)]) await giveTreeTo(owner, path)
  await writeAtomically(place.stateFile, JSON.stringify(state))
}

export const isReady = (place: RunPlace): Promise<boolean> => isThere(place.readyFile)

export const noteReady = (place: RunPlace): Promise<void> => writeFile(place.readyFile, '')

/** Writes what the commit holds into the work tree. `fromNothing` empties it first, ignored files too. */
export const checkOut = async (
  git: Git,
  place: RunPlace,
  commit: string,
  options: { fromNothing?: boolean; signal?: AbortSignal } = {},
): Promise<void> => {
  await rm(`${place.indexFile}.lock`, { force: true })
  if (options.fromNothing) {
    await emptyFolder(place.tree)
    await rm(place.indexFile, { force: true })
  }
  await git(gitPlaceOf(place), ['read-tree', '--reset', '-u', commit], {
    what: 'writing the work tree',
    timeoutMs: checkOutTimeoutMs,
    signal: options.signal,
    identity: writerOf(place),
  })
}

const checkOutTimeoutMs = 600_000

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

const makeOwned = async (place: RunPlace, path: string): Promise<void> => {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (place.owner) await chown(path, place.owner.uid, place.owner.gid)
}

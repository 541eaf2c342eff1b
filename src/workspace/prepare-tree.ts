import { codeOf, JourneymanError } from '../domain/errors.ts'
import type { Git } from './git.ts'
import type { RunPlace } from './run-place.ts'
import { restoreFromAnywhere, type SnapshotShare } from './shared-snapshots.ts'
import { restoreSnapshot } from './snapshot.ts'
import { takeOver } from './take-over.ts'
import { handOver, makeFolders, makeWorktree, readState, type WorktreeState } from './worktree.ts'

export type TreeRequest = {
  git: Git
  place: RunPlace
  state: WorktreeState
  /** Looked at when the tree is made, since a mirror may have been made anew by then. */
  mirrorGitDir: string
  remakeMirror: () => Promise<unknown>
  snapshot: string | null
  share: SnapshotShare | undefined
  signal: AbortSignal
}

/** Takes over what an earlier worker left, or begins anew. */
export const prepareTree = async (request: TreeRequest): Promise<void> => {
  const { git, place, state, snapshot } = request
  await takeOver(place)
  const found = await readState(place)
  const same = found?.baseSha === state.baseSha && found.cloneUrl === state.cloneUrl
  if (!same) {
    // Without a share nothing is made: what an operator may still find on this disk stays.
    if (snapshot !== null && request.share === undefined) throw lost(snapshot)
    await makeAnew(request)
    return snapshot === null ? undefined : restoreFromAnywhere(git, place, request.share, snapshot)
  }
  await makeFolders(place)
  if (found.ownerUid !== state.ownerUid) await handOver(place, state)
  if (snapshot !== null) {
    return restoreFromAnywhere(git, place, request.share, snapshot)
  }
  if (!(await isRestored(git, place, state.baseSha))) await makeAnew(request)
}

const makeAnew = async (request: TreeRequest): Promise<void> => {
  const { git, place, state, mirrorGitDir, signal } = request
  const making = { state, mirrorGitDir, signal }
  try {
    await makeWorktree(git, place, making)
  } catch (error) {
    if (codeOf(error) !== 'internal') throw error
    // The mirror has the commit and not all that is in it.
    await request.remakeMirror()
    await makeWorktree(git, place, making)
  }
}

const isRestored = (git: Git, place: RunPlace, commit: string): Promise<boolean> =>
  restoreSnapshot(git, place, commit).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'internal' || codeOf(error) === 'workspace_lost') return false
      throw error
    },
  )

const lost = (snapshot: string): JourneymanError =>
  new JourneymanError('workspace_lost', `The snapshot ${snapshot.slice(0, 12)} of this run is not on this disk.`, {
    nextAction: 'Start the run again; it begins from the base commit.',
  })

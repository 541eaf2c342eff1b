import { join } from 'node:path'
import { crashPoint } from '../domain/crash-point.ts'
import { codeOf, JourneymanError } from '../domain/errors.ts'
import { firstLine, type Git } from './git.ts'
import { requireCommitId } from './git-names.ts'
import type { RecordedTree } from './record-tree.ts'
import { removeTree } from './remove-tree.ts'
import { type RunPlace, setHead, writeRef } from './run-place.ts'
import { scanTree } from './scan-tree.ts'
import { checkOut } from './worktree.ts'
import { writeCommit } from './write-commit.ts'

const keeper = 'Journeyman <journeyman@localhost>'

export type Snapshot = { commit: string; tree: string; leftOut: string[] }

/**
 * Makes a commit of a recorded tree that nobody but the run itself ever sees, and points HEAD at it. Where nothing has
 * changed since `last`, that one serves again.
 */
export const takeSnapshot = async (
  place: RunPlace,
  request: { label: string; baseSha: string; record: () => Promise<RecordedTree>; last: Snapshot | undefined },
): Promise<Snapshot> => {
  crashPoint('snapshot.before')
  const { tree, leftOut, clean } = await request.record()
  if (clean && request.last?.tree === tree) return { ...request.last, leftOut }
  const person = `${keeper} ${Math.floor(Date.now() / 1000)} +0000`
  const label = request.label.replaceAll('\0', '')
  const commit = await writeCommit(place.gitDir, { tree, parent: request.baseSha, person, message: label })
  await writeRef(place, `refs/journeyman/snapshots/${commit}`, commit)
  await setHead(place, commit)
  crashPoint('snapshot.after')
  return { commit, tree, leftOut }
}

/**
 * Makes the work tree what the commit holds. Ignored files stay (installed packages). Whatever the agent did to the tree,
 * to folder rights or to the index: when the short way does not end in that exact tree, it is emptied and written anew.
 * Throws `workspace_lost`.
 */
export const restoreSnapshot = async (git: Git, place: RunPlace, commit: string): Promise<void> => {
  requireCommitId(commit)
  try {
    const scan = await scanTree(git, place)
    for (const path of [...scan.untracked, ...scan.nested]) await removeTree(join(place.tree, path))
    await checkOut(git, place, commit)
    await setHead(place, commit)
    if ((await scanTree(git, place)).clean) return
  } catch (error) {
    if (codeOf(error) !== 'internal') throw error
  }
  await treeOf(git, place, commit)
  await checkOut(git, place, commit, { fromNothing: true })
  await setHead(place, commit)
}

/** Throws `workspace_lost` when there is no such commit. */
export const treeOf = async (git: Git, place: RunPlace, commit: string): Promise<string> => {
  const revision = ['rev-parse', '--verify', '--quiet', `${commit}^{tree}`]
  const result = await git({ gitDir: place.gitDir }, revision, { what: 'finding a snapshot', accept: [1, 128] })
  if (result.exitCode === 0) return firstLine(result)
  throw new JourneymanError('workspace_lost', `The snapshot ${commit.slice(0, 12)} is not on this disk.`, {
    nextAction: 'Start the run again; it begins from the base commit.',
  })
}

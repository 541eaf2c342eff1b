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

const keeper = { name: 'Journeyman', email: 'journeyman@localhost' }

/** Makes a commit of a recorded tree that nobody but the run itself ever sees, and points HEAD at it. */
export const takeSnapshot = async (
  git: Git,
  place: RunPlace,
  request: { label: string; baseSha: string; record: () => Promise<RecordedTree> },
): Promise<{ commit: string; tree: string; leftOut: string[] }> => {
  crashPoint('snapshot.before')
  const { tree, leftOut } = await request.record()
  const date = gitDate(new Date())
  const result = await git({ gitDir: place.gitDir }, ['commit-tree', tree, '-p', request.baseSha, '-F', '-'], {
    what: 'recording a snapshot',
    input: `${request.label}\n`,
    people: peopleOf(keeper, keeper, date),
  })
  const commit = firstLine(result)
  await writeRef(place, `refs/journeyman/snapshots/${commit}`, commit)
  await setHead(place, commit)
  crashPoint('snapshot.after')
  return { commit, tree, leftOut }
}

/** Without the `@`, git takes a small number for a year. */
export const gitDate = (date: Date): string => `@${Math.floor(date.getTime() / 1000)} +0000`

export type Person = { name: string; email: string }

export const peopleOf = (author: Person, committer: Person, date: string): Record<string, string> => ({
  GIT_AUTHOR_NAME: author.name,
  GIT_AUTHOR_EMAIL: author.email,
  GIT_AUTHOR_DATE: date,
  GIT_COMMITTER_NAME: committer.name,
  GIT_COMMITTER_EMAIL: committer.email,
  GIT_COMMITTER_DATE: date,
})

/**
 * Makes the work tree what the commit holds. Ignored files stay (installed packages). Whatever the agent did to the tree,
 * to folder rights or to the index: when the short way does not end in that exact tree, it is emptied and written anew.
 * Returns the tree's id.
 */
export const restoreSnapshot = async (git: Git, place: RunPlace, commit: string): Promise<string> => {
  const tree = await treeOf(git, place, requireCommitId(commit))
  try {
    const scan = await scanTree(git, place)
    for (const path of [...scan.untracked, ...scan.nested]) await removeTree(join(place.tree, path))
    await checkOut(git, place, commit)
    await setHead(place, commit)
    if ((await scanTree(git, place)).clean) return tree
  } catch (error) {
    if (codeOf(error) !== 'internal') throw error
  }
  await checkOut(git, place, commit, { fromNothing: true })
  await setHead(place, commit)
  return tree
}

export const treeOf = async (git: Git, place: RunPlace, commit: string): Promise<string> => {
  const revision = ['rev-parse', '--verify', '--quiet', `${commit}^{tree}`]
  const result = await git({ gitDir: place.gitDir }, revision, { what: 'finding a snapshot', accept: [1, 128] })
  if (result.exitCode === 0) return firstLine(result)
  throw new JourneymanError('workspace_lost', `The snapshot ${commit.slice(0, 12)} is not on this disk.`, {
    nextAction: 'Start the run again; it begins from the base commit.',
  })
}

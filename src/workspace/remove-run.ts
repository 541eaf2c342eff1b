import { readdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { removeTree } from './remove-tree.ts'
import { runFolderOf } from './run-place.ts'
import { endProcessesOf } from './sandbox/end-processes.ts'
import { placesOf } from './take-over.ts'
import { readState } from './worktree.ts'

/** Everything of a run goes: its processes, whoever started them, and its folders. */
export const removeRun = async (runsFolder: string, runId: string): Promise<void> => {
  await endProcessesOf(await placesOf(runsFolder, runId))
  await removeTree(runFolderOf(runsFolder, runId))
}

/** Nothing is left of it but what is kept: cheap to ask, for those who look every few seconds. */
export const isReduced = async (runsFolder: string, runId: string): Promise<boolean> => {
  const [place, ...others] = await placesOf(runsFolder, runId)
  if (place === undefined || others.length > 0) return false
  return (await readdir(place.folder)).every((name) => name === 'git' || name === 'state.json')
}

/** Processes, work tree and caches go; the git directory with the snapshots stays, for a run that may be tried again. */
export const reduceToSnapshots = async (runsFolder: string, runId: string): Promise<void> => {
  const places = await placesOf(runsFolder, runId)
  await endProcessesOf(places)
  for (const [index, place] of places.entries()) {
    const isNewest = index === places.length - 1
    if (!isNewest || (await readState(place)) === undefined) await removeTree(place.folder)
    else for (const path of [place.tree, place.home, dirname(place.indexFile), place.readyFile]) await removeTree(path)
  }
  // Of one that left nothing to keep, nothing is left.
  if ((await placesOf(runsFolder, runId)).length === 0)
    await rm(runFolderOf(runsFolder, runId), { recursive: true, force: true })
}

import { readdir, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { JourneymanError } from '../domain/errors.ts'
import { removeTree } from './remove-tree.ts'
import { type RunPlace, runPlaceOf } from './run-place.ts'
import { endProcessesOf } from './sandbox/end-processes.ts'
import { readState } from './worktree.ts'

/**
 * Takes over what an earlier claim of this run has on this host. The order matters: its folder is renamed first, after which
 * nothing can be started in it by its old paths; then what was started before ends. From there on nothing that the earlier
 * worker does, should it only have been asleep, arrives in the tree. Throws `stale_epoch` when a later claim was here first.
 */
export const takeOver = async (place: RunPlace): Promise<void> => {
  const epochs = await epochsOf(place.runFolder)
  if (epochs.some((epoch) => epoch > place.epoch)) throw takenOver(place)
  const earlier = epochs.filter((epoch) => epoch < place.epoch).map((epoch) => placeAt(place, epoch))
  if (earlier.length === 0) return
  if (!epochs.includes(place.epoch)) await moveNewest(place, earlier)
  await endProcessesOf([place, ...earlier])
  for (const { folder } of earlier) await removeTree(folder)
}

/** Why the work of this place fails: another has it, or it was removed. null: the place is as it should be. */
export const displacement = async (place: RunPlace): Promise<JourneymanError | null> => {
  const epochs = await epochsOf(place.runFolder)
  if (epochs.some((epoch) => epoch > place.epoch)) return takenOver(place)
  if (epochs.includes(place.epoch)) return null
  return new JourneymanError('workspace_lost', `The workspace of ${place.runId} is not on this disk any more.`, {
    nextAction: 'Try the run again; it goes on from the last snapshot that is kept, or from the base commit.',
  })
}

/** The places of a run on this host, whoever made them, in the order of their epochs. */
export const placesOf = async (runsFolder: string, runId: string): Promise<RunPlace[]> => {
  const any = runPlaceOf(runsFolder, { runId, epoch: 0 }, undefined)
  return (await epochsOf(any.runFolder)).map((epoch) => placeAt(any, epoch))
}

/** One without a state was not finished, and is nothing to go on with. */
const moveNewest = async (place: RunPlace, earlier: RunPlace[]): Promise<void> => {
  for (const one of earlier.toReversed()) {
    if ((await readState(one)) === undefined) continue
    try {
      return await rename(one.folder, place.folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      // Somebody else has just moved or removed it.
      const later = (await epochsOf(place.runFolder)).some((epoch) => epoch > place.epoch)
      if (later) throw takenOver(place)
    }
  }
}

const placeAt = (place: RunPlace, epoch: number): RunPlace =>
  runPlaceOf(dirname(place.runFolder), { runId: place.runId, epoch }, place.owner)

const epochsOf = async (runFolder: string): Promise<number[]> => {
  const names = await readdir(runFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .filter((name) => /^\d{1,15}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

const takenOver = (place: RunPlace): JourneymanError =>
  new JourneymanError('stale_epoch', `Another worker has taken over the workspace of ${place.runId}.`, {
    nextAction: 'Nothing: it goes on with the run.',
  })

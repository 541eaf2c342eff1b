import { randomBytes } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { JourneymanError } from '../domain/errors.ts'
import type { GitPlace } from './git.ts'

export type Identity = { uid: number; gid: number }

/**
 * The folders of one run, below one named for the claim's epoch: a worker that has lost the run to another of this host finds
 * its paths gone. Only `tree` and `home` are ever shown to the sandbox; the git directory and the index lie beside them, out
 * of the agent's reach.
 */
export type RunPlace = {
  runId: string
  epoch: number
  /** All that this host has of the run. */
  runFolder: string
  /** What belongs to this epoch. */
  folder: string
  gitDir: string
  tree: string
  home: string
  indexFile: string
  stateFile: string
  /** There when the repository's set-up has come to its end in this tree. */
  readyFile: string
  /** Who commands run as, when that is not us. */
  owner: Identity | undefined
}

export const runFolderOf = (runsFolder: string, runId: string): string => {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(runId)) {
    throw new JourneymanError('invalid_input', 'The id of a run may hold letters, digits, "_" and "-" only.')
  }
  return join(runsFolder, runId)
}

export const runPlaceOf = (
  runsFolder: string,
  at: { runId: string; epoch: number },
  owner: Identity | undefined,
): RunPlace => {
  if (!Number.isSafeInteger(at.epoch) || at.epoch < 0) {
    throw new JourneymanError('invalid_input', 'The epoch of a claim is a whole number.')
  }
  const runFolder = runFolderOf(runsFolder, at.runId)
  const folder = join(runFolder, String(at.epoch))
  return {
    ...at,
    runFolder,
    folder,
    gitDir: join(folder, 'git'),
    tree: join(folder, 'tree'),
    home: join(folder, 'home'),
    indexFile: join(folder, 'index', 'index'),
    stateFile: join(folder, 'state.json'),
    readyFile: join(folder, 'ready'),
    owner,
  }
}

export const gitPlaceOf = (place: RunPlace): Required<GitPlace> => ({
  gitDir: place.gitDir,
  workTree: place.tree,
  indexFile: place.indexFile,
})

/**
 * What git writes into the work tree is written as the agent's user, so that nothing has to be handed over afterwards. The
 * group is ours: by it, and by it alone, that process may read the git directory.
 */
export const writerOf = (place: RunPlace): Identity | undefined =>
  place.owner && { uid: place.owner.uid, gid: process.getgid?.() ?? place.owner.gid }

const headRef = 'refs/journeyman/head'

/** HEAD is the last recorded state, so that `git status` says what has changed since. */
export const setHead = (place: RunPlace, commit: string): Promise<void> => writeRef(place, headRef, commit)

export const pointHead = (place: RunPlace): Promise<void> =>
  writeAtomically(join(place.gitDir, 'HEAD'), `ref: ${headRef}\n`)

/** A loose ref, as git writes one. Nobody else writes in this git directory. */
export const writeRef = async (place: RunPlace, ref: string, commit: string): Promise<void> => {
  const path = join(place.gitDir, ref)
  await mkdir(dirname(path), { recursive: true })
  await writeAtomically(path, `${commit}\n`)
}

export const writeAtomically = async (path: string, content: string): Promise<void> => {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  await writeFile(temporary, content)
  await rename(temporary, path)
}

import { codeOf, JourneymanError } from '../domain/errors.ts'
import type { Git } from './git.ts'
import { requireCommitId } from './git-names.ts'
import { type RunPlace, writeRef } from './run-place.ts'
import { restoreSnapshot } from './snapshot.ts'

/** A snapshot as it travels: a pack of what it has and its parent has not. The parent is the one shared before it; null is the base commit. */
export type SharedSnapshot = { commit: string; parent: string | null; bundle: Buffer }

/** Where snapshots are kept for workers on other hosts. Handed in, since this room knows no database. */
export type SnapshotShare = {
  /** One that is larger stays on this host alone. */
  maxBytes: number
  /** Twice is once. */
  put: (runId: string, snapshot: SharedSnapshot) => Promise<void>
  holds: (runId: string, commit: string) => Promise<boolean>
  /** From the base commit to this one; empty where it is not kept. */
  chain: (runId: string, commit: string) => Promise<SharedSnapshot[]>
  /** Told once per workspace: from here on only this host can go on with the run. */
  tooLarge: (runId: string, commit: string) => void
}

/** Shares each snapshot that is taken, one after the other, each against the one before it. */
export type Sharer = (commit: string) => Promise<void>

/** `opened` is the snapshot with which the work tree was opened. */
export const createSharer = (
  git: Git,
  place: RunPlace,
  share: SnapshotShare | undefined,
  from: { baseSha: string; opened: string | null },
): Sharer => {
  if (share === undefined) return async () => undefined
  let last: Promise<string | null> | null = null
  let toldTooLarge = false
  const shareOne = async (commit: string, parent: string | null): Promise<string | null> => {
    if (commit === parent) return parent
    const bundle = await packBetween(git, place, { commit, baseSha: from.baseSha, parent, maxBytes: share.maxBytes })
    if (bundle !== null) {
      await share.put(place.runId, { commit, parent, bundle })
      return commit
    }
    if (!toldTooLarge) share.tooLarge(place.runId, commit)
    toldTooLarge = true
    return parent
  }
  return async (commit) => {
    const before = last ?? openedParent(share, place, from.opened)
    const mine = before.then((parent) => shareOne(commit, parent))
    // What could not be shared is no parent; the next one builds upon what was, or upon the base commit.
    last = mine.catch(() => before.catch(() => null))
    await mine
  }
}

const openedParent = async (share: SnapshotShare, place: RunPlace, opened: string | null): Promise<string | null> =>
  opened !== null && (await share.holds(place.runId, opened)) ? opened : null

/** null when it is larger than it may be. */
const packBetween = async (
  git: Git,
  place: RunPlace,
  what: { commit: string; baseSha: string; parent: string | null; maxBytes: number },
): Promise<Buffer | null> => {
  // The tree itself, and not only its commit: it is no ancestor, and git would not leave out what lies in it.
  const known = [what.baseSha, ...(what.parent === null ? [] : [what.parent, `${what.parent}^{tree}`])]
  const input = [what.commit, ...known.map((revision) => `^${revision}`)].map((line) => `${line}\n`).join('')
  const flags = ['--revs', '--thin', '--stdout', '--quiet', '--delta-base-offset', '--threads=1']
  try {
    const options = { what: 'packing a snapshot', input, maxOutputBytes: what.maxBytes }
    return (await git({ gitDir: place.gitDir }, ['pack-objects', ...flags], options)).stdout
  } catch (error) {
    if (codeOf(error) === 'too_large') return null
    throw error
  }
}

/** Restores a snapshot; one that this host has not is fetched from where it is shared. Throws `workspace_lost`. */
export const restoreFromAnywhere = async (
  git: Git,
  place: RunPlace,
  share: SnapshotShare | undefined,
  commit: string,
): Promise<void> => {
  try {
    return await restoreSnapshot(git, place, commit)
  } catch (error) {
    if (codeOf(error) !== 'workspace_lost' || share === undefined) throw error
  }
  const chain = await share.chain(place.runId, commit)
  if (chain.length === 0) throw notShared(commit)
  for (const snapshot of await missingOf(git, place, chain)) await unpack(git, place, snapshot)
  await restoreSnapshot(git, place, commit)
}

/** Of the chain what is not here yet: all that follows the first one that is not. */
const missingOf = async (git: Git, place: RunPlace, chain: SharedSnapshot[]): Promise<SharedSnapshot[]> => {
  const input = chain.map(({ commit }) => `${requireCommitId(commit)}\n`).join('')
  const asked = { what: 'looking for snapshots', input }
  const answer = await git({ gitDir: place.gitDir }, ['cat-file', '--batch-check=%(objecttype)'], asked)
  const first = answer.stdout
    .toString('utf8')
    .split('\n')
    .findIndex((line) => line.endsWith(' missing'))
  return first === -1 ? [] : chain.slice(first)
}

const unpack = async (git: Git, place: RunPlace, { commit, bundle }: SharedSnapshot): Promise<void> => {
  const flags = ['--stdin', '--fix-thin', '--threads=1']
  await git({ gitDir: place.gitDir }, ['index-pack', ...flags], { what: 'unpacking a snapshot', input: bundle })
  await writeRef(place, `refs/journeyman/snapshots/${commit}`, commit)
}

const notShared = (commit: string): JourneymanError =>
  new JourneymanError(
    'workspace_lost',
    `The snapshot ${commit.slice(0, 12)} is neither on this disk nor shared by another host.`,
    {
      nextAction: 'Start the run again; it begins from the base commit.',
    },
  )

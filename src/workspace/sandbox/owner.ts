import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { JourneymanError } from '../../domain/errors.ts'

/** The unprivileged user that commands run as. */
export type Owner = { uid: number; gid: number }

/**
 * Where Journeyman is root, everything of the sandbox belongs to this user: one that no distribution gives to anybody,
 * so that it owns no other file and no other process. Where it is not root, there is nothing to drop.
 */
export const sandboxUid = 65_529

export const sandboxOwner = (): Owner | null =>
  process.getuid?.() === 0 && isMapped(sandboxUid) ? { uid: sandboxUid, gid: sandboxUid } : null

/** In a container without root there may be fewer users than that; root there is none outside, and has nothing to drop. */
const isMapped = (uid: number): boolean =>
  readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([first = 0, , count = 0]) => uid >= first && uid < first + count)

/** Gives a folder tree to the user of the sandbox. Symbolic links are changed themselves and never followed. */
export const giveTreeTo = async (owner: Owner | null, folder: string): Promise<void> => {
  if (owner === null) return
  await run('/bin/chown', ['-R', '-h', '-P', `${owner.uid}:${owner.gid}`, '--', folder])
}

/** The nearest folder on the way to `path` that the user may not pass; null when nothing is in the way. */
export const blockedAt = async (owner: Owner | null, path: string): Promise<string | null> => {
  if (owner === null) return null
  const way: string[] = []
  for (let folder = dirname(path); way.at(-1) !== folder; folder = dirname(folder)) way.push(folder)
  for (const folder of way.reverse()) {
    const { mode, uid, gid } = await stat(folder)
    const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return folder
  }
  return null
}

/** Throws `invalid_configuration` when the user of the sandbox could not come to work in this folder. */
export const requireReachable = async (owner: Owner | null, folder: string): Promise<void> => {
  const blocked = await blockedAt(owner, folder)
  if (blocked === null) return
  throw new JourneymanError(
    'invalid_configuration',
    `Commands run as uid ${owner?.uid}, which may not enter ${blocked}, so that ${folder} is out of its reach.`,
    { nextAction: `Choose a data folder outside ${blocked}, /var/lib/journeyman for example.` },
  )
}

const run = promisify(execFile)

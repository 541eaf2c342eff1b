import type { Config } from '../config/schema.ts'
import { failureOf } from '../domain/errors.ts'
import type { Database } from '../store/database.ts'
import { endedRuns } from '../store/reaping.ts'
import { forgetSnapshots } from '../store/workspace-snapshots.ts'
import type { Workspaces } from '../workspace/contract.ts'
import type { Log } from './log.ts'

const tidyEveryMs = 30_000

/**
 * Removes what is left of runs that have ended: a killed worker's folders, above all. Of those that may be tried again the
 * snapshots stay for a while.
 */
export const tidyDisk = (parts: {
  database: Database
  workspaces: Workspaces
  config: () => Config
  log: Log
}): (() => Promise<void>) => {
  const { database, workspaces, log } = parts
  let underway: Promise<void> | null = null
  const timer = setInterval(() => {
    // A round that takes longer than the time between two is not met by the next.
    underway ??= tidyOnce(database, workspaces, parts.config().workspace.keep_failed_hours)
      .catch((error: unknown) => log('warn', 'old workspaces could not be removed', { failure: failureOf(error) }))
      .finally(() => {
        underway = null
      })
  }, tidyEveryMs)
  return async () => {
    clearInterval(timer)
    await underway
  }
}

export const tidyOnce = async ({ db }: Database, workspaces: Workspaces, keepHours: number): Promise<void> => {
  for (const { id } of await endedRuns(db, await workspaces.list(), keepHours)) {
    // Asked again for each: one that is tried again just now is not ended any more.
    const [ended] = await endedRuns(db, [id], keepHours)
    if (ended) await workspaces.remove(id, { keepSnapshots: ended.mayBeRetried })
  }
  await forgetSnapshots(db, keepHours)
}

import { failureOf } from '../domain/errors.ts'
import type { Database } from '../store/database.ts'
import { endedRuns } from '../store/reaping.ts'
import type { Workspaces } from '../workspace/contract.ts'
import type { Log } from './log.ts'

const tidyEveryMs = 30_000

/** Removes from this disk what is left of runs that have ended: a killed worker's folders, above all. */
export const tidyDisk = (database: Database, workspaces: Workspaces, log: Log): (() => Promise<void>) => {
  const round = async () => {
    for (const id of await endedRuns(database.db, await workspaces.list())) await workspaces.remove(id)
  }
  let underway: Promise<void> | null = null
  const timer = setInterval(() => {
    // A round that takes longer than the time between two is not met by the next.
    underway ??= round()
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

import { codeOf } from '../domain/errors.ts'
import type { CommandResult, FileTools, History, Workspace } from './contract.ts'
import type { RunPlace } from './run-place.ts'
import { displacement } from './take-over.ts'

type Work<A extends unknown[], R> = (...given: A) => Promise<R>

/**
 * The same workspace, whose failures say so when they come of another worker having taken over its place: `stale_epoch`, or
 * `workspace_lost` when it was removed. The paths of the place are gone by then, so that everything in it fails somehow.
 */
export const whileOwned = (place: RunPlace, workspace: Workspace): Workspace => {
  const owned =
    <A extends unknown[], R>(work: Work<A, R>): Work<A, R> =>
    async (...given) => {
      try {
        return await work(...given)
      } catch (error) {
        if (codeOf(error) === 'stopped') throw error
        throw (await displacement(place)) ?? error
      }
    }
  const { run, files, history, snapshot, restore, proposal, unifiedDiff, commit, push, ready } = workspace
  return {
    ...workspace,
    run: owned(async (request) => orDisplaced(place, await run(request))),
    files: ownedFiles(files, owned),
    history: ownedHistory(history, owned),
    snapshot: owned(snapshot),
    restore: owned(restore),
    proposal: owned(proposal),
    unifiedDiff: owned(unifiedDiff),
    commit: owned(commit),
    push: owned(push),
    ready: owned(ready),
  }
}

/** A command that another worker has ended by taking over ends with a signal, as any that is killed. */
const orDisplaced = async (place: RunPlace, result: CommandResult): Promise<CommandResult> => {
  const displaced = result.exitCode === null ? await displacement(place) : null
  if (displaced) throw displaced
  return result
}

type Owned = <A extends unknown[], R>(work: Work<A, R>) => Work<A, R>

const ownedFiles = ({ read, write, list, search }: FileTools, owned: Owned): FileTools => ({
  read: owned(read),
  write: owned(write),
  list: owned(list),
  search: owned(search),
})

const ownedHistory = ({ log, show, blame, diff }: History, owned: Owned): History => ({
  log: owned(log),
  show: owned(show),
  blame: owned(blame),
  diff: owned(diff),
})

import { failureOf } from '../domain/errors.ts'
import type { Workspace, Workspaces } from '../workspace/contract.ts'
import type { Breakers } from './breakers.ts'
import { named } from './guard-plugin.ts'
import { verdictOf } from './verdict.ts'

/**
 * git over HTTP counts for the code host, too. Each fetch and each push asks for its credential first, and that passes the
 * breaker; so git is refused before it is started, and here only what became of it is noted.
 */
export const guardWorkspaces = (workspaces: Workspaces, breakers: Breakers, service: string): Workspaces => {
  const noted = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      const failure = failureOf(error)
      if (failure.detail?.['remote'] !== true) throw error
      await breakers.note(service, verdictOf(failure), failure)
      throw named(service, error)
    }
  }
  const guard = (workspace: Workspace): Workspace => ({
    ...workspace,
    push: async (request) => {
      await noted(() => workspace.push(request))
      await breakers.note(service, 'well')
    },
  })
  return {
    ...workspaces,
    // A mirror that is fresh enough was not fetched: that a workspace opened proves nothing.
    open: async (request, signal) => guard(await noted(() => workspaces.open(request, signal))),
  }
}

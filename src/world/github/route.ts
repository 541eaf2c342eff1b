import { pathIndex } from '../validate/path-index.ts'
import type { Answer } from './answer.ts'
import type { GitHubState, RepositoryState, TokenState } from './state.ts'

export type Call = {
  state: GitHubState
  method: string
  path: string
  parameters: Record<string, string>
  query: URLSearchParams
  /** What was sent; the description was already asked about its fields. */
  body: Record<string, unknown>
  rawBody: unknown
  accept: string
  /** The app itself has none. */
  token: TokenState | null
}

/** A call on a repository that its token may see. */
export type RepositoryCall = Call & { repository: RepositoryState }

export type Route = {
  method: string
  template: string
  /** Who may call it: the app by its own signature, or an installation by its token. */
  as: 'app' | 'installation'
  /** Alternatives such as `issues:write`; one is enough. Empty: any token. */
  permissions: string[]
  handle: (call: Call) => Answer | Promise<Answer>
}

/** A route of the app itself. */
export const appRoute = (name: string, handle: Route['handle']): Route => ({
  ...named(name),
  as: 'app',
  permissions: [],
  handle,
})

/** A route that any installation token may call. */
export const tokenRoute = (name: string, handle: Route['handle']): Route => ({
  ...appRoute(name, handle),
  as: 'installation',
})

/** A route below `/repos/{owner}/{repo}`; `permissions` are alternatives. */
export const repositoryRoute = (
  name: string,
  permissions: string,
  handle: (call: RepositoryCall) => Answer | Promise<Answer>,
): Route => ({
  ...named(`${name.replace(' ', ' /repos/{owner}/{repo}')}`),
  as: 'installation',
  permissions: permissions.split('|'),
  handle: handle as Route['handle'],
})

export const routeIndex = (routes: Route[]) => {
  const byName = new Map(routes.map((route) => [`${route.method} ${route.template}`, route]))
  const find = pathIndex(
    routes.map((route) => route.template),
    (template) => /\{(path|ref|branch|basehead)\}$/.test(template),
  )
  return (method: string, path: string): { route: Route; parameters: Record<string, string> } | null => {
    const match = find(path)
    const route = match && byName.get(`${method} ${match.template}`)
    return route ? { route, parameters: match.parameters } : null
  }
}

const named = (name: string): { method: string; template: string } => {
  const [method = '', template = ''] = name.split(' ')
  return { method, template }
}

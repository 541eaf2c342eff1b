import { type Answer, badCredentials, forbidden, notFound, refused } from './answer.ts'
import { authenticate, type Caller, mayDo, maySee } from './authenticate.ts'
import { noteViolation } from './note-violation.ts'
import { type Route, routeIndex } from './route.ts'
import { appRoutes } from './routes/app.ts'
import { checkRunRoutes } from './routes/check-runs.ts'
import { commentRoutes } from './routes/comments.ts'
import { commitRoutes } from './routes/commits.ts'
import { contentRoutes } from './routes/contents.ts'
import { deliveryRoutes } from './routes/deliveries.ts'
import { issueRoutes } from './routes/issues.ts'
import { labelRoutes } from './routes/labels.ts'
import { pullRoutes } from './routes/pulls.ts'
import { reactionRoutes } from './routes/reactions.ts'
import { refRoutes } from './routes/refs.ts'
import { repositoryRoutes } from './routes/repositories.ts'
import { teamRoutes } from './routes/teams.ts'
import { type GitHubState, repositoryOf, type TokenState } from './state.ts'

export type Asked = {
  method: string
  path: string
  query: URLSearchParams
  authorization: string | undefined
  accept: string
  /** As it came; undefined when there was none. */
  text: string
}

/** The answer, and the token it was asked with: its rate limit goes into the headers. */
export type Answered = { answer: Answer; token: TokenState | null }

/** Answers REST calls as GitHub does: first who, then whether there is such a call, then what it does. */
export const apiAnswerer = (state: GitHubState) => {
  const find = routeIndex([
    ...[...appRoutes, ...deliveryRoutes, ...repositoryRoutes, ...issueRoutes, ...labelRoutes, ...commentRoutes],
    ...[
      ...reactionRoutes,
      ...refRoutes,
      ...commitRoutes,
      ...pullRoutes,
      ...checkRunRoutes,
      ...contentRoutes,
      ...teamRoutes,
    ],
  ])
  return async (asked: Asked): Promise<Answered> => {
    const body = parseBody(asked.text)
    const caller = authenticate(state, asked.authorization)
    const isKnown = 'kind' in caller
    const token = isKnown && caller.kind === 'installation' ? caller.token : null
    if (token !== null) token.used += 1
    const answer = isKnown ? await answerCaller(state, find, asked, body, caller).catch(defect(state, asked)) : caller
    return { answer: judged(state, asked, answer), token }
  }
}

type Parsed = { value: unknown } | 'broken'

/** What a route throws is a defect of the world, and must not look like bad weather. */
const defect =
  (state: GitHubState, { method, path }: Asked) =>
  (error: unknown): Answer => {
    const message = error instanceof Error ? error.message : String(error)
    noteViolation(state, 'response', method, path, [`the world failed: ${message}`])
    return refused(500, `The world failed: ${message}`)
  }

const answerCaller = async (
  state: GitHubState,
  find: ReturnType<typeof routeIndex>,
  asked: Asked,
  body: Parsed,
  caller: Caller,
): Promise<Answer> => {
  if (body === 'broken') return refused(400, 'Problems parsing JSON')
  const problems = state.validator?.request({ ...asked, body: body.value }) ?? []
  if (problems.length > 0) return refuseViolation(state, asked, problems)
  const found = find(asked.method, asked.path)
  if (found === null) return notBuilt(state, asked)
  return callRoute(state, found.route, found.parameters, asked, body.value, caller)
}

const callRoute = (
  state: GitHubState,
  route: Route,
  parameters: Record<string, string>,
  asked: Asked,
  rawBody: unknown,
  caller: Caller,
): Answer | Promise<Answer> => {
  if (route.as === 'app' && caller.kind !== 'app') return refused(401, 'A JSON web token could not be decoded')
  if (route.as === 'installation' && caller.kind === 'app') return badCredentials()
  const token = caller.kind === 'installation' ? caller.token : null
  const call = { state, ...asked, parameters, rawBody, body: asObject(rawBody), token }
  if (token === null || route.permissions.length === 0) return route.handle(call)
  const repository = repositoryOf(state, `${parameters['owner']}/${parameters['repo']}`)
  if (repository === undefined) return notFound()
  const isRead = asked.method === 'GET'
  // What is public may be read by everyone; what is private is not there for those who may not see it.
  if (!maySee(state, token, repository)) {
    if (repository.private || !isRead) return repository.private ? notFound() : forbidden()
  } else if (!mayDo(token, route.permissions)) return forbidden()
  if (repository.archived && !isRead) return refused(403, 'Repository was archived so is read-only.')
  return route.handle({ ...call, repository } as typeof call)
}

/** An answer of ours that the description would not produce is a defect of the world, and must be seen. */
const judged = (state: GitHubState, asked: Asked, answer: Answer): Answer => {
  if (state.validator === null || answer.text !== undefined) return answer
  const { method, path } = asked
  const problems = state.validator.response({ method, path, status: answer.status, body: answer.body })
  if (problems.length === 0) return answer
  noteViolation(state, 'response', method, path, [`status ${answer.status}`, ...problems])
  return refused(500, `The world's answer is not one that the description allows: ${problems.join('; ')}`)
}

const refuseViolation = (state: GitHubState, asked: Asked, problems: string[]): Answer => {
  noteViolation(state, 'request', asked.method, asked.path, problems)
  const isRoute = problems.some((problem) => problem.startsWith('the description has no'))
  return refused(isRoute ? 404 : 422, `The description refuses this request: ${problems.join('; ')}`)
}

const notBuilt = (state: GitHubState, { method, path }: Asked): Answer => {
  const message = `The world has no ${method} ${path} yet. It is written in src/world/github/routes/.`
  noteViolation(state, 'request', method, path, [message])
  return refused(501, message)
}

const parseBody = (text: string): Parsed => {
  if (text.trim() === '') return { value: undefined }
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return 'broken'
  }
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}

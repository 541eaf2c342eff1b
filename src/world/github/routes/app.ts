import { randomBytes } from 'node:crypto'
import { type Answer, notFound, ok, refused } from '../answer.ts'
import { maySee } from '../authenticate.ts'
import { paginate } from '../paginate.ts'
import { renderApp, renderInstallation } from '../render/app.ts'
import { renderRepository } from '../render/repository.ts'
import { renderTime } from '../render/text.ts'
import { appRoute, type Call, type Route, tokenRoute } from '../route.ts'
import { type Grants, type InstallationState, installationOf, repositoryOf, type TokenState } from '../state.ts'

export const appRoutes: Route[] = [
  appRoute('GET /app', (call) => ok(renderApp(call.state))),
  appRoute('GET /app/installations', (call) =>
    paginate(call, [...call.state.installations.values()], (each) => renderInstallation(call.state, each)),
  ),
  appRoute('GET /app/installations/{installation_id}', (call) =>
    withInstallation(call, (installation) => ok(renderInstallation(call.state, installation))),
  ),
  appRoute('GET /repos/{owner}/{repo}/installation', (call) => {
    const repository = repositoryOf(call.state, `${call.parameters['owner']}/${call.parameters['repo']}`)
    const installation = repository && installationOf(call.state, repository)
    return installation ? ok(renderInstallation(call.state, installation)) : notFound()
  }),
  appRoute('POST /app/installations/{installation_id}/access_tokens', (call) =>
    withInstallation(call, (installation) => issueToken(call, installation)),
  ),
  tokenRoute('GET /installation/repositories', (call) => {
    const visible = [...call.state.repositories.values()].filter((each) => maySee(call.state, call.token!, each))
    return paginate(
      call,
      visible,
      (each) => renderRepository(call.state, each),
      (repositories) => ({ total_count: visible.length, repository_selection: 'selected', repositories }),
    )
  }),
  tokenRoute('GET /rate_limit', (call) => {
    const used = call.token?.used ?? 0
    const rate = { limit: 5000, used, remaining: 5000 - used, reset: Math.floor(Date.now() / 1000) + 3600 }
    return ok({ resources: { core: rate, search: rate }, rate })
  }),
]

const withInstallation = (call: Call, handle: (installation: InstallationState) => Answer): Answer => {
  const installation = call.state.installations.get(Number(call.parameters['installation_id']))
  // An app that was taken off its last repository is not installed any more.
  const isLeft =
    installation &&
    [...call.state.repositories.values()].some((each) => installationOf(call.state, each) === installation)
  return isLeft ? handle(installation) : notFound()
}

/** A token may be narrower than its installation, never wider. */
const issueToken = (call: Call, installation: InstallationState): Answer => {
  const repositories = chosenRepositories(call, installation)
  if (repositories === 'unknown')
    return refused(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    )
  const asked = (call.body['permissions'] ?? {}) as Grants
  const narrowed = Object.keys(asked).length > 0
  if (narrowed && !isWithin(asked, call.state.app.permissions))
    return refused(422, 'The permissions requested are not granted to this installation.')
  const token: TokenState = {
    token: `ghs_${randomBytes(24).toString('hex')}`,
    installation: installation.id,
    expiresAt: new Date(Date.now() + call.state.tokenSeconds * 1000),
    permissions: narrowed ? { metadata: 'read', ...asked } : { ...call.state.app.permissions },
    repositories,
    used: 0,
  }
  call.state.tokens.set(token.token, token)
  const named = [...call.state.repositories.values()].filter((each) => repositories?.includes(each.id))
  return {
    status: 201,
    body: {
      token: token.token,
      expires_at: renderTime(token.expiresAt),
      permissions: token.permissions,
      repository_selection: 'selected',
      ...(repositories !== null && { repositories: named.map((each) => renderRepository(call.state, each)) }),
    },
  }
}

const chosenRepositories = (call: Call, installation: InstallationState): number[] | null | 'unknown' => {
  const names = call.body['repositories'] as string[] | undefined
  const ids = call.body['repository_ids'] as number[] | undefined
  if (names === undefined && ids === undefined) return null
  const own = [...call.state.repositories.values()].filter(
    (each) => installationOf(call.state, each)?.id === installation.id,
  )
  const chosen = [
    ...(names ?? []).map((name) => own.find((each) => each.name.toLowerCase() === name.toLowerCase())?.id),
    ...(ids ?? []).map((id) => own.find((each) => each.id === id)?.id),
  ]
  return chosen.every((id) => id !== undefined) ? chosen : 'unknown'
}

const levels = ['read', 'write', 'admin']

const isWithin = (asked: Grants, granted: Grants): boolean =>
  Object.entries(asked).every(([name, level]) => levels.indexOf(level) <= levels.indexOf(granted[name] ?? ''))

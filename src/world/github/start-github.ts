import type { ServerResponse } from 'node:http'
import { JourneymanError } from '../../domain/errors.ts'
import type { RecordedRequest, Violation, WorldGitHub } from '../contract.ts'
import { serve } from '../http/serve.ts'
import type { Validator } from '../validate/validator.ts'
import { addUser } from './add-user.ts'
import { apiAnswerer } from './answer-call.ts'
import { createRepository } from './create-repository.ts'
import { deliverEvent } from './deliver-event.ts'
import { handleGit, isGitPath } from './git-http.ts'
import { handleApi } from './handle-api.ts'
import { newState } from './new-state.ts'
import { renderPage } from './render-page.ts'
import { type GitHubState, repositoryOf } from './state.ts'
import { worldRepository } from './world-repository.ts'

/** Where GitHub Enterprise has it: one address for pages, git and the REST interface. */
const apiPrefix = '/api/v3'

const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'"

type Options = { folder: string; validator: Validator | null; requests: RecordedRequest[]; violations: Violation[] }

/** GitHub and its git, on one free port. */
export const startGitHub = async (options: Options): Promise<WorldGitHub & { close: () => Promise<void> }> => {
  const state = await newState(options)
  const answer = apiAnswerer(state)
  const served = await serve(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    if (isGitPath(url.pathname)) return handleGit(state, request, response, url)
    if (!url.pathname.startsWith(`${apiPrefix}/`)) return answerPage(state, url.pathname, response)
    url.pathname = url.pathname.slice(apiPrefix.length)
    return handleApi(state, answer, request, response, url)
  })
  state.url = served.origin
  state.apiUrl = `${served.origin}${apiPrefix}`
  const close = async (): Promise<void> => {
    await served.close()
    await state.gitHost.close()
  }
  return Object.assign(worldGitHub(state), { close })
}

const answerPage = async (state: GitHubState, path: string, response: ServerResponse): Promise<void> => {
  const html = await renderPage(state, path)
  const type = html === null ? 'text/plain' : 'text/html; charset=utf-8'
  response.writeHead(html === null ? 404 : 200, { 'content-type': type, 'content-security-policy': pagePolicy })
  response.end(html ?? 'The world has no such page.\n')
}

const worldGitHub = (state: GitHubState): WorldGitHub => ({
  get webhookUrl() {
    return state.webhookUrl
  },
  set webhookUrl(url) {
    state.webhookUrl = url
  },
  get tokenSeconds() {
    return state.tokenSeconds
  },
  set tokenSeconds(seconds) {
    state.tokenSeconds = seconds
  },
  get faults() {
    return state.faults
  },
  set faults(rules) {
    state.faults = rules
  },
  apiUrl: state.apiUrl,
  url: state.url,
  app: state.app,
  deliveries: state.deliveries,
  addUser: (login, options) => addUser(state, login, options),
  setTeam: (team, logins) => {
    state.teams.set(team.toLowerCase(), new Set(logins.map((login) => login.toLowerCase())))
  },
  grant: (permission, level) => {
    state.app.permissions[permission] = level
  },
  createRepository: async (...args) => worldRepository(state, await createRepository(state, ...args)),
  repository: (fullName) => {
    const repository = repositoryOf(state, fullName)
    if (repository === undefined) throw new JourneymanError('not_found', `The world has no repository ${fullName}.`)
    return worldRepository(state, repository)
  },
  deliver: (...args) => deliverEvent(state, ...args),
})

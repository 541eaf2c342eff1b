import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/core'
import { z } from 'zod'
import { sleep } from '../../domain/clock.ts'
import { codeOf, JourneymanError } from '../../domain/errors.ts'
import type { Answer, GitHubClient } from './github-client.ts'
import { createInstallationTokens } from './installation-tokens.ts'
import { createRecentCreations, withReason } from './recent-creations.ts'
import { spaceWrites } from './space-writes.ts'
import { translateError } from './translate-error.ts'

export type GitHubOptions = {
  appId: string
  privateKey: string
  /** `https://api.github.com`, or `https://<host>/api/v3` of an Enterprise server. */
  apiUrl: string
  url: string
  /** Of one request, its answer included. */
  timeoutMs?: number
  /** Writes that may follow each other at once, and the gap after that. GitHub asks for a second between writes. */
  writeBurst?: number
  writeGapMs?: number
  /** Before a read is tried a second time; four times that before the third. */
  retryMs?: number
}

const defaults = { timeoutMs: 15_000, writeBurst: 10, writeGapMs: 1000, retryMs: 200 }
const readTries = 3

export const createGitHubClient = (options: GitHubOptions): GitHubClient => {
  const settings = { ...defaults, ...options }
  const octokit = new Octokit({ baseUrl: settings.apiUrl, userAgent: 'journeyman', log: silent })
  const appAuth = createAppAuth({ appId: settings.appId, privateKey: settings.privateKey })
  const writes = spaceWrites({ burst: settings.writeBurst, gapMs: settings.writeGapMs, maxWaitMs: 30_000 })

  const send = async (route: string, parameters: object, authorization: string): Promise<Answer<unknown>> => {
    try {
      const response = await octokit.request(route, {
        ...parameters,
        headers: { authorization, 'x-github-api-version': '2022-11-28' },
        request: { signal: AbortSignal.timeout(settings.timeoutMs) },
      })
      return { data: response.data, link: response.headers.link ?? '' }
    } catch (error) {
      throw translateError(error, route, settings.apiUrl)
    }
  }

  const asApp: GitHubClient['asApp'] = async (route, parameters, schema) => {
    const jwt = await signedBy(appAuth)
    return tried(route, settings.retryMs, async () =>
      parse(schema, await send(route, parameters, `bearer ${jwt}`), route),
    )
  }
  const tokens = createInstallationTokens(asApp)
  const creations = createRecentCreations()

  const request: GitHubClient['request'] = async (place, route, parameters, schema) => {
    const names = namesOf(place.repository)
    const installation = place.installation ?? (await tokens.installationOf(names))
    const filled = { ...(route.includes('{owner}') && names), ...parameters }
    const work = async () => {
      const { token } = await tokens.get(installation)
      const sent = (credential: string) => send(route, filled, `token ${credential}`)
      const answer = await sent(token).catch(async (error) => {
        if (codeOf(error) !== 'unauthenticated') throw error
        // A refused token wrote nothing, so this one retry is safe for writes too.
        return sent((await tokens.get(installation, { refused: token })).token).catch(asFresh)
      })
      creations.keep(place.repository, route, answer.data)
      return parse(schema, answer, route)
    }
    const explained = (error: unknown) => {
      throw creations.explain(place.repository, filled, error)
    }
    return (isWrite(route) ? writes(installation, work) : tried(route, settings.retryMs, work)).catch(explained)
  }

  const gitToken: GitHubClient['gitToken'] = async (place) => {
    const names = namesOf(place.repository)
    const installation = place.installation ?? (await tokens.installationOf(names))
    return tokens.get(installation, { narrowed: { repositories: [names.repo], permissions: { contents: 'write' } } })
  }

  return {
    url: settings.url,
    appId: settings.appId,
    asApp,
    request,
    gitToken,
    self: remembered(() => whoAmI(asApp, request)),
  }
}

/** GitHub has just handed out this token, so the App is known there; it is not known everywhere yet. */
const asFresh = (error: unknown): never => {
  throw codeOf(error) === 'unauthenticated' ? withReason(error, 'fresh_token') : error
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

const signedBy = async (appAuth: ReturnType<typeof createAppAuth>): Promise<string> => {
  try {
    return (await appAuth({ type: 'app' })).token
  } catch (cause) {
    throw new JourneymanError('invalid_configuration', 'The private key of the GitHub App cannot be used to sign.', {
      nextAction: 'Put the PEM file that GitHub generated for the app into github.private_key.',
      cause,
    })
  }
}

/** A token more or less is no write. */
const isWrite = (route: string): boolean => !route.startsWith('GET ') && !route.endsWith('/access_tokens')

/** Tries a read again when it got lost on the way; everything else has one try. */
const tried = async <Result>(route: string, retryMs: number, work: () => Promise<Result>): Promise<Result> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (isWrite(route) || attempt === readTries || codeOf(error) !== 'unavailable') throw error
      await sleep(retryMs * 4 ** (attempt - 1))
    }
  }
}

const parse = <Data>(schema: z.ZodType<Data>, answer: Answer<unknown>, route: string): Answer<Data> => {
  const parsed = schema.safeParse(answer.data)
  if (parsed.success) return { data: parsed.data, link: answer.link }
  // An answer that was cut off arrives as text: what was asked for may have been done.
  if (typeof answer.data === 'string') {
    throw new JourneymanError('unavailable', `GitHub's answer to ${route} was cut off.`)
  }
  const path = parsed.error.issues[0]?.path.map(String).join('.')
  throw new JourneymanError('malformed_output', `GitHub's answer to ${route} does not fit at "${path}".`)
}

const namesOf = (repository: string): { owner: string; repo: string } => {
  const [owner = '', repo = '', ...rest] = repository.split('/')
  if (owner === '' || repo === '' || rest.length > 0) {
    throw new JourneymanError(
      'invalid_input',
      `"${repository}" is not a repository on GitHub: it is written owner/name.`,
    )
  }
  return { owner, repo }
}

/** A user's page needs an installation's token, and any installation's will do. */
const whoAmI = async (
  asApp: GitHubClient['asApp'],
  request: GitHubClient['request'],
): Promise<{ login: string; id: string }> => {
  const { data: app } = await asApp('GET /app', {}, z.object({ slug: z.string() }))
  const installations = z.array(z.object({ id: z.int() })).max(1)
  const { data: found } = await asApp('GET /app/installations', { per_page: 1 }, installations)
  if (!found[0]) {
    throw new JourneymanError('not_found', `The GitHub App "${app.slug}" is not installed anywhere yet.`, {
      nextAction: 'Install the app on a repository from its page on GitHub.',
    })
  }
  const place = { repository: 'any/any', installation: String(found[0].id) }
  const username = `${app.slug}[bot]`
  const { data } = await request(place, 'GET /users/{username}', { username }, z.object({ id: z.int() }))
  return { login: username, id: String(data.id) }
}

/** Asks once and keeps the answer; a failure is not kept. */
const remembered = <Value>(ask: () => Promise<Value>): (() => Promise<Value>) => {
  let answer: Promise<Value> | undefined
  return () => {
    answer ??= ask().catch((error) => {
      answer = undefined
      throw error
    })
    return answer
  }
}

import { z } from 'zod'
import { JourneymanError } from '../../domain/errors.ts'
import type { GitHubClient } from './github-client.ts'

export type InstallationToken = { token: string; expiresAt: Date }

type Narrowed = { repositories: string[]; permissions: Record<string, string> }

/** A token that is about to run out would do so in the middle of what it is used for. */
const marginMs = 60_000
/** A client serves one app; these are its installations and their repositories. */
const maxKept = 1000

const tokenAnswer = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) })

/**
 * Installation tokens, kept until shortly before they run out, in memory only. Callers that ask at once share one
 * request. A key never mixes app-wide tokens with those narrowed to one repository.
 */
export const createInstallationTokens = (asApp: GitHubClient['asApp']) => {
  const tokens = new Map<string, Promise<InstallationToken>>()
  const installations = new Map<string, Promise<string>>()

  const fetchToken = async (installation: string, narrowed?: Narrowed): Promise<InstallationToken> => {
    const installation_id = Number(installation)
    if (!Number.isSafeInteger(installation_id)) {
      throw new JourneymanError('invalid_input', `"${installation}" is not the number of a GitHub installation.`)
    }
    const route = 'POST /app/installations/{installation_id}/access_tokens'
    const { data } = await asApp(route, { installation_id, ...narrowed }, tokenAnswer)
    return { token: data.token, expiresAt: new Date(data.expires_at) }
  }

  const get = async (
    installation: string,
    options: { renew?: boolean; narrowed?: Narrowed } = {},
  ): Promise<InstallationToken> => {
    const key = JSON.stringify([installation, options.narrowed])
    const kept = options.renew === true ? undefined : await tokens.get(key)
    if (kept && kept.expiresAt.getTime() - Date.now() > marginMs) return kept
    return keep(tokens, key, fetchToken(installation, options.narrowed))
  }

  const installationOf = ({ owner, repo }: { owner: string; repo: string }): Promise<string> => {
    const repository = `${owner}/${repo}`
    const known = installations.get(repository)
    if (known) return known
    const found = asApp('GET /repos/{owner}/{repo}/installation', { owner, repo }, z.object({ id: z.int() }))
    return keep(
      installations,
      repository,
      found.then(({ data }) => String(data.id)),
    )
  }
  return { get, installationOf }
}

/** Keeps what is under way, so that others join it; what fails is forgotten. */
const keep = <Value>(kept: Map<string, Promise<Value>>, key: string, value: Promise<Value>): Promise<Value> => {
  if (kept.size >= maxKept) kept.delete(kept.keys().next().value as string)
  kept.set(key, value)
  value.catch(() => {
    if (kept.get(key) === value) kept.delete(key)
  })
  return value
}

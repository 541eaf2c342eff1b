import { z } from 'zod'
import { JourneymanError } from '../../domain/errors.ts'
import type { GitHubClient } from './github-client.ts'

export type InstallationToken = { token: string; expiresAt: Date }

type Narrowed = { repositories: string[]; permissions: Record<string, string> }

/** A token that is about to run out would do so in the middle of what it is used for. */
const marginMs = 60_000
/** An app that is removed and installed again has another number. */
const installationMs = 5 * 60_000
/** A client serves one app; these are its installations and their repositories. */
const maxKept = 1000

const tokenAnswer = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) })

/**
 * Installation tokens, kept until shortly before they run out, in memory only. Callers that ask at once share one
 * request. A key never mixes app-wide tokens with those narrowed to one repository.
 */
export const createInstallationTokens = (asApp: GitHubClient['asApp']) => {
  const tokens = new Map<string, Promise<InstallationToken>>()
  const installations = new Map<string, Promise<{ id: string; until: number }>>()

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
    options: { refused?: string; narrowed?: Narrowed } = {},
  ): Promise<InstallationToken> => {
    const key = JSON.stringify([installation, options.narrowed])
    const pending = tokens.get(key)
    // Without an await where there is nothing to wait for: whoever asks next must find what is under way.
    const kept = pending && (await pending)
    // A token that was refused is of no use; one that somebody else has fetched since then is.
    const fresh = kept && kept.token !== options.refused && kept.expiresAt.getTime() - Date.now() > marginMs
    if (fresh) return kept
    return keep(tokens, key, fetchToken(installation, options.narrowed))
  }

  const installationOf = async ({ owner, repo }: { owner: string; repo: string }): Promise<string> => {
    const repository = `${owner}/${repo}`
    const pending = installations.get(repository)
    const known = pending && (await pending)
    if (known && known.until > Date.now()) return known.id
    const route = 'GET /repos/{owner}/{repo}/installation'
    const asked = asApp(route, { owner, repo }, z.object({ id: z.int() }))
    const found = asked.then(({ data }) => ({ id: String(data.id), until: Date.now() + installationMs }))
    return (await keep(installations, repository, found)).id
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

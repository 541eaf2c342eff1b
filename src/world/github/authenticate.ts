import { verify } from 'node:crypto'
import { type Answer, badCredentials, refused } from './answer.ts'
import type { AppState, GitHubState, RepositoryState, TokenState } from './state.ts'
import { installationOf } from './state.ts'

export type Caller = { kind: 'app' } | { kind: 'installation'; token: TokenState }

/** GitHub allows ten minutes, and a little for clocks that differ. */
const maxJwtSeconds = 600
const driftSeconds = 30

/** Who is calling, by the Authorization header of a REST request; or GitHub's answer why not. */
export const authenticate = (state: GitHubState, header: string | undefined): Caller | Answer => {
  const credential = /^(?:bearer|token) (.+)$/i.exec(header ?? '')?.[1]
  if (credential === undefined) return refused(401, 'Requires authentication')
  if (credential.split('.').length === 3) return verifyJwt(state.app, credential) ?? { kind: 'app' }
  const token = tokenOf(state, credential)
  return token === null ? badCredentials() : { kind: 'installation', token }
}

/** An installation token that was issued and has not run out. */
export const tokenOf = (state: GitHubState, text: string): TokenState | null => {
  const token = state.tokens.get(text)
  return token === undefined || token.expiresAt.getTime() <= Date.now() ? null : token
}

export const maySee = (state: GitHubState, token: TokenState, repository: RepositoryState): boolean =>
  installationOf(state, repository)?.id === token.installation &&
  (token.repositories === null || token.repositories.includes(repository.id))

const levels = ['read', 'write', 'admin']

/** Whether a token has one of these permissions, such as `issues:write`. */
export const mayDo = (token: TokenState, permissions: string[]): boolean =>
  permissions.some((permission) => {
    const [name = '', level = ''] = permission.split(':')
    return levels.indexOf(token.permissions[name] ?? '') >= levels.indexOf(level)
  })

const verifyJwt = (app: AppState, jwt: string): Answer | null => {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const undecodable = refused(401, 'A JSON web token could not be decoded')
  const claims = parse(payload)
  if (parse(header)?.['alg'] !== 'RS256' || claims === null) return undecodable
  const signed = Buffer.from(`${header}.${payload}`)
  if (!verify('RSA-SHA256', signed, app.publicKey, Buffer.from(signature, 'base64url'))) return undecodable
  return claimsProblem(app, claims)
}

const claimsProblem = (app: AppState, claims: Record<string, unknown>): Answer | null => {
  const now = Date.now() / 1000
  const { iat, exp, iss } = claims
  if (typeof iat !== 'number' || iat > now + driftSeconds)
    return refused(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    )
  if (typeof exp !== 'number' || exp <= now)
    return refused(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    )
  if (exp > now + maxJwtSeconds + driftSeconds)
    return refused(401, "'Expiration time' claim ('exp') is too far in the future")
  return String(iss) === app.id ? null : refused(404, 'Integration not found')
}

const parse = (part: string): Record<string, unknown> | null => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { codeOf, type ErrorCode, JourneymanError } from '../domain/errors.ts'
import { readGitHub, type Self, typeOfGitHub, verifyGitHub } from './github.ts'
import { parseJson } from './parse-json.ts'
import type { Receipt, Receiver } from './receive.ts'

export type GitHubRouteParts = {
  receiver: Receiver
  /** Counts what became of a request, also of those that are refused and not stored. */
  count: (provider: string, outcome: string) => void
  githubSecrets: () => string[]
  githubSelf: () => Self
  log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, data?: Record<string, unknown>) => void
}

/**
 * GitHub's deliveries. Nothing is looked up outside here: verify, read, store with what follows, answer. What is refused
 * is counted and not stored.
 */
export const registerGitHubRoute = (server: FastifyInstance, parts: GitHubRouteParts): void => {
  // Here and not round the handler: a body that is too large never comes so far.
  const onError = async (_request: unknown, _reply: unknown, error: Error) => parts.count('github', outcomeOf(error))
  server.post('/webhooks/github', { onError }, async (request, reply) => {
    const receipt = await receiveGitHub(parts, request)
    parts.count('github', receipt.known ? 'known' : receipt.disposition)
    return reply.status(receipt.known ? 200 : 202).send(receipt)
  })
}

/** What the server refuses itself carries a status and no code of ours. */
const outcomeOf = (error: Error): ErrorCode => {
  if (!('statusCode' in error)) return codeOf(error)
  return error.statusCode === 413 ? 'too_large' : 'invalid_input'
}

const receiveGitHub = async (parts: GitHubRouteParts, request: FastifyRequest): Promise<Receipt> => {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  refuseUnverified(verifyGitHub(body, request.headers, parts.githubSecrets()))
  const name = header(request, 'x-github-event')
  const deliveryId = header(request, 'x-github-delivery')
  if (name === null || deliveryId === null) {
    throw new JourneymanError('invalid_input', 'The headers X-GitHub-Event and X-GitHub-Delivery are missing.')
  }
  const payload = parseJson(jsonOf(body, request.headers['content-type']))
  const delivery = { provider: 'github', deliveryId, type: typeOfGitHub(name, payload), body, receivedAt: new Date() }
  const receipt = await parts.receiver.receive(delivery, readGitHub(name, payload, parts.githubSelf()))
  parts.log('info', 'a delivery has arrived', {
    delivery: deliveryId,
    type: delivery.type,
    disposition: receipt.disposition,
    known: receipt.known,
    runs: receipt.runs,
  })
  return receipt
}

const refuseUnverified = (verdict: ReturnType<typeof verifyGitHub>): void => {
  if (verdict === 'ok') return
  if (verdict === 'closed') {
    throw new JourneymanError(
      'unavailable',
      'No webhook secret is configured, so this route is closed (GITHUB_WEBHOOK_SECRET).',
    )
  }
  throw new JourneymanError(
    'unauthenticated',
    verdict === 'unsigned'
      ? 'The request is not signed (X-Hub-Signature-256).'
      : 'The signature does not fit the body.',
  )
}

/** An App may be set to send forms: then the JSON is a field, and the signature is over the form. */
const jsonOf = (body: Buffer, contentType: string | undefined): Buffer => {
  if (!contentType?.startsWith('application/x-www-form-urlencoded')) return body
  return Buffer.from(new URLSearchParams(body.toString('utf8')).get('payload') ?? '')
}

/** Longer ones are nobody's; the columns that keep them are indexed. */
const longestHeader = 200

const header = (request: FastifyRequest, name: string): string | null => {
  const value = request.headers[name]
  return typeof value === 'string' && value !== '' && value.length <= longestHeader ? value : null
}

import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { type ErrorCode, failureOf, JourneymanError } from '../domain/errors.ts'
import { statusOf } from './error-status.ts'
import { type HealthParts, registerHealth } from './health.ts'
import type { Metrics } from './metrics.ts'

export type ServerParts = HealthParts & {
  metrics: Metrics
  maxBodyBytes: number
  /** Routes of other rooms: the inbox's. */
  routes: ((server: FastifyInstance) => void)[]
  log: (level: 'error', message: string, data?: Record<string, unknown>) => void
}

/** The door. Every answer that is no success is a JSON body with a code and a sentence. */
export const createServer = (parts: ServerParts): FastifyInstance => {
  const refuse = (error: unknown, reply: FastifyReply) => {
    const failure = failureOf(asOurs(error))
    if (failure.code === 'internal') parts.log('error', 'a request met a defect', { error })
    const message = failure.code === 'internal' ? 'This is a defect of Journeyman; its log says more.' : failure.message
    return reply.status(statusOf(failure.code)).send({ code: failure.code, message })
  }
  const server = Fastify({
    bodyLimit: parts.maxBodyBytes,
    logger: false,
    // A body that never comes holds a connection, and nothing else.
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    // Its answer would not be in our words; the hook below gives ours.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => refuse(error, reply),
    clientErrorHandler: refuseUnreadable,
    // Otherwise it loads two compilers of JSON schemas for them, which take longer than all else that it does at the start.
    schemaController: { compilersFactory: { buildValidator: haveNoSchema, buildSerializer: haveNoSchema } },
  })
  server.addHook('onRequest', async (request) => {
    if (parts.isStopping() && !request.url.startsWith('/health/')) throw asOurs({ statusCode: 503 })
  })
  // Bodies are checked as the bytes that came: nothing here parses them.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  server.setErrorHandler((error, _request, reply) => refuse(error, reply))
  server.setNotFoundHandler((_request, reply) =>
    reply.status(404).send({ code: 'not_found', message: 'There is nothing at this address.' }),
  )
  server.get('/metrics', async (_request, reply) =>
    reply.type(parts.metrics.contentType).send(await parts.metrics.render()),
  )
  registerHealth(server, parts)
  for (const register of parts.routes) register(server)
  return server
}

/** Routes describe nothing by JSON schemas: what comes in is checked as bytes, and what goes out is made here. */
const haveNoSchema = (): never => {
  throw new JourneymanError('internal', 'A route has a JSON schema, and there is no compiler for those.')
}

/** What Fastify refuses itself, in our words. */
const asOurs = (error: unknown): unknown => {
  if (error instanceof JourneymanError || typeof error !== 'object' || error === null || !('statusCode' in error))
    return error
  const refused = refusals[Number(error.statusCode)]
  return refused ? new JourneymanError(refused.code, refused.message) : error
}

const refusals: Record<number, { code: ErrorCode; message: string }> = {
  400: { code: 'invalid_input', message: 'The request is not well formed.' },
  413: { code: 'too_large', message: 'The body is larger than this server accepts (server.max_body_bytes).' },
  415: { code: 'invalid_input', message: 'The request has no content type that is understood here.' },
  503: { code: 'shutting_down', message: 'This server is ending; try again in a moment.' },
}

/** What is no HTTP, or never came to its end: there is no request to answer, only a connection. */
const refuseUnreadable = (error: Error & { code?: string }, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = unreadable[error.code ?? ''] ?? 400
  const body = JSON.stringify({ code: 'invalid_input', message: 'The request cannot be read.' })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

const unreadable: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }

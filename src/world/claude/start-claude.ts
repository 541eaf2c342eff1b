import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { WorldClaude } from '../contract.ts'
import { createMessageRoutes } from './answer-message.ts'
import { answerModels, modelsPath } from './answer-models.ts'
import { type ClaudeOptions, type Exchange, openExchange } from './exchange.ts'

/**
 * A scripted Claude on loopback: the Messages API as the vendor documents it, strict about what it is asked, with a
 * script's words for answers and a prompt cache's arithmetic for usage.
 */
export const startClaude = async (options: ClaudeOptions): Promise<WorldClaude & { close: () => Promise<void> }> => {
  const closing = new AbortController()
  const claude: WorldClaude = {
    url: '',
    apiKey: 'sk-ant-world-0000',
    script: () => ({ text: 'This world has no script.' }),
    pace: 0,
    answered: [],
    calls: 0,
    forget: () => routes.forget(),
  }
  const routes = createMessageRoutes(claude, options, closing.signal)
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = await openExchange(request, response, options)
    if (isAllowed(exchange, request, claude.apiKey)) await route(exchange, routes)
  }
  const server = createServer((request, response) => {
    // A client that goes away in the middle of its request is no event worth telling of.
    serve(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  claude.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      closing.abort()
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return Object.assign(claude, { close })
}

/** The second is what the vendor's SDK sends since its first stable release; these routes answer the same in both. */
const versions = ['2023-06-01', '2026-10-21']

const isAllowed = (exchange: Exchange, request: IncomingMessage, apiKey: string): boolean => {
  const given = request.headers['x-api-key'] ?? request.headers.authorization?.replace(/^Bearer /, '')
  if (given === undefined) exchange.refuse(401, 'x-api-key header is required')
  else if (given !== apiKey) exchange.refuse(401, 'invalid x-api-key')
  else if (!versions.includes(String(request.headers['anthropic-version']))) {
    exchange.violate('request', 'anthropic-version: a valid version header is required')
    exchange.refuse(400, 'anthropic-version: a valid version header is required')
  } else return true
  return false
}

const route = async (exchange: Exchange, routes: ReturnType<typeof createMessageRoutes>): Promise<void> => {
  const { method, path } = exchange
  if (method === 'POST' && path === '/v1/messages') return routes.answerMessage(exchange)
  if (method === 'POST' && path === '/v1/messages/count_tokens') return routes.answerCount(exchange)
  if (method === 'GET' && modelsPath.test(path)) return answerModels(exchange)
  exchange.violate('request', 'There is no such route')
  exchange.refuse(404, 'Not Found')
}

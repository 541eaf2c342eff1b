import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { verifyGitHub } from '../src/inbox/github.ts'

/** What the real route is compared with: the same server and the same signature, and nothing stored. */
export const startBareRoute = async (secret: string): Promise<{ url: string; close: () => Promise<void> }> => {
  const server = Fastify({ logger: false, forceCloseConnections: true })
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  server.post('/webhooks/github', async (request, reply) => {
    const verdict = verifyGitHub(request.body as Buffer, request.headers, [secret])
    return reply.status(verdict === 'ok' ? 202 : 401).send({ verdict })
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/webhooks/github`, close: () => server.close() }
}

import type { FastifyInstance } from 'fastify'
import { failureOf } from '../domain/errors.ts'

export type HealthParts = {
  /** Resolves when deliveries can be stored. */
  ping: () => Promise<void>
  /** What is running here and how, without secrets. */
  about: () => Record<string, unknown>
  isStopping: () => boolean
}

/** `live`: the process answers. `ready`: it can take deliveries; a full disk or a lost database makes it not ready. */
export const registerHealth = (server: FastifyInstance, parts: HealthParts): void => {
  server.get('/health/live', async () => ({ status: 'live' }))
  server.get('/health/ready', async (_request, reply) => {
    if (parts.isStopping()) return reply.status(503).send({ code: 'shutting_down', message: 'This server is ending.' })
    try {
      await parts.ping()
      return { status: 'ready', ...parts.about() }
    } catch (error) {
      const { message } = failureOf(error)
      return reply.status(503).send({ code: 'unavailable', message: `The database does not answer: ${message}` })
    }
  })
}

import type { FastifyInstance } from 'fastify'
import { failureOf } from '../domain/errors.ts'
import type { Breaker } from '../store/circuit-breakers.ts'

export type HealthParts = {
  /** Resolves when deliveries can be stored. */
  ping: () => Promise<void>
  /** What is running here and how, without secrets. */
  about: () => Record<string, unknown>
  /** What is known of outside services that have failed of late. */
  services: () => Promise<Breaker[]>
  isStopping: () => boolean
}

/**
 * `live`: the process answers. `ready`: it can take deliveries; a full disk or a lost database makes it not ready.
 * `services`: how the services outside fare; one that is ill makes nothing here not ready.
 */
export const registerHealth = (server: FastifyInstance, parts: HealthParts): void => {
  server.get('/health/live', async () => ({ status: 'live' }))
  server.get('/health/ready', async (_request, reply) => {
    if (parts.isStopping()) return reply.status(503).send({ code: 'shutting_down', message: 'This server is ending.' })
    try {
      await parts.ping()
      return { status: 'ready', ...parts.about() }
    } catch (error) {
      return reply.status(503).send(unreadable(error))
    }
  })
  server.get('/health/services', async (_request, reply) => {
    try {
      return { services: (await parts.services()).map(serviceOf) }
    } catch (error) {
      return reply.status(503).send(unreadable(error))
    }
  })
}

const unreadable = (error: unknown) => ({
  code: 'unavailable',
  message: `The database does not answer: ${failureOf(error).message}`,
})

/** What the service said stays inside: this address is open to whoever reaches the server. */
const serviceOf = ({ service, state, failures, openedAt, retryAt, lastFailure }: Breaker) => ({
  service,
  state,
  failures_in_a_row: failures,
  ill_since: openedAt?.toISOString() ?? null,
  tried_again_at: retryAt?.toISOString() ?? null,
  last_failure: failures > 0 ? (lastFailure?.code ?? null) : null,
})

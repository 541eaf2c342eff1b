import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../api/metrics.ts'
import { createServer } from '../api/server.ts'
import type { Config } from '../config/schema.ts'
import { failureOf, JourneymanError } from '../domain/errors.ts'
import { registerGitHubRoute } from '../inbox/github-route.ts'
import { createReceiver } from '../inbox/receive.ts'
import { loadBreakers } from '../store/circuit-breakers.ts'
import { rememberSelf } from './remember-self.ts'
import type { Services } from './services.ts'
import { capsOf } from './settings.ts'

/** The door: takes deliveries and tells of its health. */
export const startWeb = async (
  services: Services & { metrics: Metrics; worker: boolean; isStopping: () => boolean },
): Promise<{ url: string; close: () => Promise<void> }> => {
  const { config, log, database, queue, shelf, metrics, worker, isStopping } = services
  metrics.watchServices(() => loadBreakers(database.db))
  const self = rememberSelf(services.versionControl, log)
  const receiver = createReceiver({
    database,
    queue,
    workflows: shelf.workflows,
    caps: (workflow) => capsOf(config(), workflow),
  })
  const route = {
    receiver,
    count: metrics.delivery,
    githubSecrets: () => webhookSecrets(config()),
    githubSelf: () => ({ userId: self(), appId: config().github.app_id }),
    log,
  }
  const server = createServer({
    metrics,
    maxBodyBytes: config().server.max_body_bytes,
    log,
    ping: database.ping,
    services: () => loadBreakers(database.db),
    about: () => ({ database: database.kind, worker }),
    isStopping,
    routes: [(to: FastifyInstance) => registerGitHubRoute(to, route)],
  })
  const url = await listen(server, config().server)
  return { url, close: () => server.close() }
}

const webhookSecrets = ({ github }: Config): string[] =>
  [github.webhook_secret, github.previous_webhook_secret].filter((secret) => secret !== null)

const listen = async (server: FastifyInstance, at: Config['server']): Promise<string> => {
  try {
    // An object of its own: Fastify writes into the one that it is given, and the configuration must stay plain data.
    await server.listen({ host: at.host, port: at.port })
  } catch (error) {
    const reason = failureOf(error).message
    const message = `The address ${at.host}:${at.port} cannot be listened on: ${reason}.`
    const nextAction = 'Set server.port (PORT) to a free one, or end the process that holds it.'
    throw new JourneymanError('invalid_configuration', message, { nextAction, cause: error })
  }
  const { address, port, family } = server.server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

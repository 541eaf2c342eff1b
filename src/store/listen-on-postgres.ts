import pg from 'pg'
import { sleep } from '../domain/clock.ts'
import type { Database } from './database.ts'

const heartbeatMs = 10_000
const answerMs = 5_000
const firstDelayMs = 100
const maxDelayMs = 5_000

/**
 * LISTEN on a connection of its own, made anew whenever it breaks, for as long as it takes. A connection that is silently
 * dead is found by asking it something now and then. `reconnected` is called after each subscription, since what was
 * notified in between is lost.
 */
export const listenOnPostgres =
  (config: pg.ClientConfig): Database['listen'] =>
  async (channel, heard, reconnected) => {
    const ending = new AbortController()
    const subscribed = Promise.withResolvers<void>()
    const loop = (async () => {
      for (let failures = 0; !ending.signal.aborted; failures++) {
        try {
          await stayConnected(config, channel, heard, ending.signal, () => {
            failures = 0
            reconnected()
            subscribed.resolve()
          })
        } catch {
          // The pool's users hear of a lost database; here it is only tried again.
        }
        await sleep(Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(failures, 10)), ending.signal).catch(
          () => undefined,
        )
      }
    })()
    await Promise.race([subscribed.promise, sleep(answerMs)])
    return {
      close: async () => {
        ending.abort()
        await loop
      },
    }
  }

/** Resolves or rejects when the connection is over. */
const stayConnected = async (
  config: pg.ClientConfig,
  channel: string,
  heard: (payload: string) => void,
  ending: AbortSignal,
  subscribed: () => void,
): Promise<void> => {
  const client = new pg.Client({
    ...config,
    connectionTimeoutMillis: answerMs,
    query_timeout: answerMs,
    keepAlive: true,
  })
  const over = new Promise<void>((resolve) => {
    client.once('end', resolve)
    client.on('error', () => resolve())
    ending.addEventListener('abort', () => resolve(), { once: true })
  })
  client.on('notification', (message) => {
    if (message.channel === channel) heard(message.payload ?? '')
  })
  try {
    await client.connect()
    await client.query(`listen ${client.escapeIdentifier(channel)}`)
    subscribed()
    while (!ending.aborted) {
      const quiet = sleep(heartbeatMs, ending).then(
        () => 'quiet' as const,
        () => 'over' as const,
      )
      if ((await Promise.race([over.then(() => 'over' as const), quiet])) === 'over') return
      await client.query('select 1')
    }
  } finally {
    await Promise.race([client.end().catch(() => undefined), sleep(1_000)])
  }
}

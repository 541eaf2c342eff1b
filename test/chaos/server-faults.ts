import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import { startPostgres } from '../embedded-postgres.ts'
import { scratchFolder } from '../scratch-folder.ts'
import { startTcpProxy } from '../tcp-proxy.ts'
import { kinds } from './chaos-workflows.ts'
import { driveRuns } from './drive-runs.ts'
import { judge } from './judge.ts'
import { openGround } from './open-ground.ts'

export type ServerFault = 'restart' | 'terminate' | 'half_open'

/**
 * F6: so many runs by several workers on a PostgreSQL of their own, which keeps what it commits, while it is restarted, cuts
 * its connections, or is on the other side of a network that has stopped forwarding without a word. Everything is judged.
 */
export const surviveServerFaults = async (
  faults: readonly ServerFault[],
  options: { workers: number; runs: number },
): Promise<void> => {
  const place = await ownServer()
  const ground = await openGround('postgres', { prepared: place })
  const driver = driveRuns(ground)
  onTestFinished(async () => {
    await driver.stop()
    await ground.close()
  })
  for (let count = 0; count < options.workers; count++) await ground.startWorker()
  for (let count = 0; count < options.runs; count++) await driver.start(kinds[count % kinds.length] ?? 'built')
  for (const fault of faults) {
    await sleep(700)
    await place.suffer(fault)
    if (driver.live() < 2) await driver.start(kinds[driver.issues.size % kinds.length] ?? 'built')
  }
  // A statement that is never answered is given up after some 65 seconds.
  const ended = await driver.ended(240)
  await driver.stop()
  expect(ground.workers.size).toBe(options.workers)
  const kills = faults.length * options.workers
  expect(await judge(ground, driver, { ended, kills })).toEqual([])
}

const ownServer = async () => {
  const dataDir = await scratchFolder('own')
  // The server runs as a user of its own, and is none of the processes that must be gone in the end.
  const folder = await scratchFolder('server')
  await chmod(folder, 0o755)
  const server = await startPostgres(join(folder, 'postgres'), { durable: true })
  if (!server) throw new Error('There is no PostgreSQL on this platform.')
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(server.url).port) })
  const url = new URL(server.url)
  url.port = String(proxy.port)
  return {
    url: url.href,
    lookAt: server.url,
    dataDir,
    remove: async () => {
      await proxy.close()
      await server.stop()
      for (const one of [dataDir, folder]) await rm(one, { recursive: true, force: true, maxRetries: 3 })
    },
    suffer: async (fault: ServerFault): Promise<void> => {
      if (fault === 'restart') return server.restart()
      if (fault === 'terminate') return terminateAll(server.url)
      proxy.stall()
      await sleep(2_000)
      proxy.resume()
    },
  }
}

/** By the server itself: not through what is between. */
const terminateAll = async (url: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null',
  )
  await client.end()
}

import { type ChildProcess, spawn } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from '../src/world/contract.ts'
import type { Place } from './open-bench.ts'

/** All that such a process is told: the world, its database, a free port, and what else is shipped. */
export const serveEnvironment = async ({ github, claude }: World, place: Place): Promise<Record<string, string>> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: place.dataDir,
  JOURNEYMAN_DATA_DIR: join(place.dataDir),
  DATABASE_URL: place.url ?? '',
  PORT: String(await freePort()),
  GITHUB_APP_ID: github.app.id,
  GITHUB_PRIVATE_KEY: github.app.privateKey,
  GITHUB_WEBHOOK_SECRET: github.app.webhookSecret,
  GITHUB_API_URL: github.apiUrl,
  GITHUB_SERVER_URL: github.url,
  ANTHROPIC_API_KEY: claude.apiKey,
  ANTHROPIC_BASE_URL: claude.url,
})

export type Served = {
  process: ChildProcess
  url: string
  /** Resolves with how long it took, once it answers that it is ready. */
  ready: () => Promise<number>
  end: () => Promise<void>
}

const longestStartMs = 60_000

/** `journeyman serve` as a person starts it in that folder. */
export const startServe = (folder: string, environment: Record<string, string>): Served => {
  const program = join(import.meta.dirname, '../bin/journeyman.js')
  const begunMs = performance.now()
  const server = spawn(process.execPath, [program, 'serve'], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  server.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-4_000)
  })
  const url = `http://127.0.0.1:${environment['PORT']}`
  const ready = async (): Promise<number> => {
    while (!(await isReady(`${url}/health/ready`))) {
      const late = performance.now() - begunMs > longestStartMs
      if (late) server.kill('SIGKILL')
      if (late || hasEnded(server)) throw new Error(`The server did not become ready: ${said}`)
      await sleep(5)
    }
    return performance.now() - begunMs
  }
  return { process: server, url, ready, end: () => endServer(server) }
}

const isReady = async (url: string): Promise<boolean> => {
  try {
    const answer = await fetch(url)
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    return false
  }
}

const hasEnded = (server: ChildProcess): boolean => server.exitCode !== null || server.signalCode !== null

const endServer = async (server: ChildProcess): Promise<void> => {
  if (hasEnded(server)) return
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  server.kill('SIGTERM')
  const impatient = setTimeout(() => server.kill('SIGKILL'), 15_000)
  await gone
  clearTimeout(impatient)
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from '../src/world/contract.ts'
import type { Measurement, Result } from './measurement.ts'
import type { Bench, DatabaseKind, Place } from './open-bench.ts'
import { onEachDatabase } from './start-bench-app.ts'
import { median, percentile } from './statistics.ts'

const bars: Record<DatabaseKind, { readySeconds: number; idleMb: number }> = {
  pglite: { readySeconds: 1.5, idleMb: 450 },
  postgres: { readySeconds: 1, idleMb: 200 },
}
const idleSeconds = 8

/**
 * `journeyman serve` as a person starts it: from the start of the process to the first 200 of /health/ready, on a database
 * that has its tables, with Node's compile cache filled by the start before; then what it holds in memory when it is idle.
 */
export const startToReady: Measurement = {
  name: 'start-to-ready',
  measure: async (bench) => (await onEachDatabase(bench, (place, name) => startsOn(bench, place, name))).flat(),
}

const startsOn = async (bench: Bench, place: Place, name: string): Promise<Result[]> => {
  const world = await bench.world()
  const environment = await environmentFor(world, place)
  const timesMs: number[] = []
  let idleMb: number | null = null
  const rounds = bench.rounds(5)
  for (let round = 0; round <= rounds; round++) {
    const started = await startServer(place.dataDir, environment)
    bench.after(started.end)
    if (round > 0) timesMs.push(started.readyMs)
    if (round === rounds) {
      await sleep(idleSeconds * 1000)
      idleMb = await residentMb(started.process)
    }
    await started.end()
  }
  const { readySeconds, idleMb: mostMb } = bars[place.kind]
  const ready: Result = {
    name: `from start to ready on ${name}`,
    value: median(timesMs) / 1000,
    unit: 's',
    p50: median(timesMs) / 1000,
    p99: percentile(timesMs, 0.99) / 1000,
    floor: readySeconds,
    goal: readySeconds,
    better: 'lower',
    note: `${timesMs.length} starts, the sandbox's self-test included`,
  }
  if (idleMb === null) return [ready]
  const memory = { floor: mostMb, goal: mostMb, better: 'lower' as const, note: `resident, after ${idleSeconds} s` }
  return [ready, { name: `memory of an idle process on ${name}`, value: idleMb, unit: 'MB', ...memory }]
}

const environmentFor = async ({ github, claude }: World, place: Place): Promise<Record<string, string>> => ({
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

type Started = { process: ChildProcess; readyMs: number; end: () => Promise<void> }

const longestStartMs = 20_000

const startServer = async (folder: string, environment: Record<string, string>): Promise<Started> => {
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
  const ready = `http://127.0.0.1:${environment['PORT']}/health/ready`
  while (!(await isReady(ready))) {
    const late = performance.now() - begunMs > longestStartMs
    if (late) server.kill('SIGKILL')
    if (late || server.exitCode !== null) throw new Error(`The server did not become ready: ${said}`)
    await sleep(5)
  }
  return { process: server, readyMs: performance.now() - begunMs, end: () => endServer(server) }
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

const endServer = async (server: ChildProcess): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  server.kill('SIGTERM')
  const impatient = setTimeout(() => server.kill('SIGKILL'), 15_000)
  await gone
  clearTimeout(impatient)
}

/** As Linux tells it; null elsewhere. */
const residentMb = async ({ pid }: ChildProcess): Promise<number | null> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return kilobytes === undefined ? null : Number(kilobytes) / 1024
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

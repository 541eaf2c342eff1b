import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Measurement, Result } from './measurement.ts'
import type { Bench, DatabaseKind, Place } from './open-bench.ts'
import { onEachDatabase } from './start-bench-app.ts'
import { serveEnvironment, startServe } from './start-serve.ts'
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
  const environment = await serveEnvironment(world, place)
  const timesMs: number[] = []
  let idleMb: number | null = null
  const rounds = bench.rounds(5)
  for (let round = 0; round <= rounds; round++) {
    const started = startServe(place.dataDir, environment)
    bench.after(started.end)
    const readyMs = await started.ready()
    if (round > 0) timesMs.push(readyMs)
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

/** As Linux tells it; null elsewhere. */
const residentMb = async ({ pid }: ChildProcess): Promise<number | null> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return kilobytes === undefined ? null : Number(kilobytes) / 1024
}

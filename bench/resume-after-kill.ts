import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from '../src/world/contract.ts'
import type { Measurement, Result } from './measurement.ts'
import type { Bench, DatabaseKind, Place } from './open-bench.ts'
import { databaseNames } from './start-bench-app.ts'
import { type Served, serveEnvironment, startServe } from './start-serve.ts'
import { median, percentile } from './statistics.ts'
import { workflowOf } from './trivial-runs.ts'
import { isUnderWay } from './under-way.ts'

/**
 * From SIGKILL of a worker in the middle of a command to the next worker's first write, which is its claim of the run. Real
 * `journeyman serve` processes with the shipped settings: on PostgreSQL a second one stands by, on the embedded database
 * the one process is started again at once. The second has its crash point `claim.after` armed: the kernel's word that it
 * has ended is the moment of its claim. Each round has a database of its own and is killed at a moment of chance, since
 * the lease's next renewal may be near or far.
 */
export const resumeAfterKill: Measurement = {
  name: 'resume-after-kill',
  measure: async (bench) => {
    if (process.platform !== 'linux') return []
    const results: Result[] = []
    for (const kind of ['pglite', 'postgres'] as const) {
      const timesMs: number[] = []
      // A quick look takes one.
      const rounds = bench.rounds(5) < 5 ? 1 : 5
      for (let round = 0; round < rounds; round++) {
        const place = await bench.place(kind)
        if (place) timesMs.push(await oneKill(bench, place, round))
        await bench.tidy()
      }
      if (timesMs.length > 0) results.push(resultOf(kind, timesMs))
    }
    return results
  },
}

const next: Record<DatabaseKind, string> = {
  pglite: 'the process started again at once',
  postgres: 'a second process stands by',
}

const resultOf = (kind: DatabaseKind, timesMs: number[]): Result => ({
  name: `from kill -9 to the next worker's claim on ${databaseNames[kind]}`,
  value: median(timesMs) / 1000,
  unit: 's',
  p50: median(timesMs) / 1000,
  p99: percentile(timesMs, 0.99) / 1000,
  floor: 15,
  goal: 8,
  better: 'lower',
  note: `${next[kind]}; longest ${(percentile(timesMs, 1) / 1000).toFixed(1)} s of ${timesMs.length}`,
})

const oneKill = async (bench: Bench, place: Place, round: number): Promise<number> => {
  // Found by its number in the list of processes.
  const command = `sleep 47.${process.pid}${place.kind === 'postgres' ? 2 : 1}${round}`
  await writeInstallation(place.dataDir, command)
  const world = await bench.world()
  const first = await serve(bench, world, place)
  await first.ready()
  world.github.webhookUrl = `${first.url}/webhooks/github`
  bench.after(async () => {
    world.github.webhookUrl = null
  })
  const standing = place.kind === 'postgres'
  await label(world, `killed-${place.kind}-${round}`)
  await untilUnderWay(command)
  let second = standing ? await serve(bench, world, place, armed) : null
  await second?.ready()
  await sleep(2_000 * Math.random())

  const killedMs = performance.now()
  first.process.kill('SIGKILL')
  await once(first.process, 'exit')
  second ??= await serve(bench, world, place, armed)
  return (await endOf(second)) - killedMs
}

const armed = { JOURNEYMAN_CRASH_AT: 'claim.after' }

const serve = async (bench: Bench, world: World, place: Place, more: Record<string, string> = {}): Promise<Served> => {
  const served = startServe(place.dataDir, { ...(await serveEnvironment(world, place)), ...more })
  bench.after(served.end)
  return served
}

const longestMs = 60_000

/** When it was killed by its crash point. */
const endOf = async ({ process: child }: Served): Promise<number> => {
  const impatient = AbortSignal.timeout(longestMs)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit', { signal: impatient })
  if (child.signalCode !== 'SIGKILL') throw new Error(`The second process has ended with ${child.exitCode}.`)
  return performance.now()
}

const writeInstallation = async (folder: string, command: string): Promise<void> => {
  const workflow = workflowOf([`name: long, type: run, command: ${command}`])
  await mkdir(join(folder, 'workflows'))
  await writeFile(join(folder, 'workflows', 'bench.yaml'), workflow)
  await writeFile(join(folder, 'journeyman.yaml'), 'workflows: { folder: ./workflows }\n')
}

/** Somebody who may puts the label on an issue of a new repository. */
const label = async ({ github }: World, owner: string): Promise<void> => {
  const repository = await github.createRepository(`${owner}/shop`, { 'README.md': 'A shop.\n' })
  const person = github.addUser('alice')
  repository.setPermission(person.login, 'write')
  const { number } = repository.createIssue({ title: 'Prices', body: 'They should be right.', author: person })
  await repository.label(number, 'bench', person)
}

const untilUnderWay = async (command: string): Promise<void> => {
  const latestMs = performance.now() + longestMs
  while (!(await isUnderWay(command))) {
    if (performance.now() > latestMs) throw new Error('The command of the run was not begun.')
    await sleep(50)
  }
}

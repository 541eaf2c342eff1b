import { setTimeout as sleep } from 'node:timers/promises'
import type { CrashPoint } from '../../src/domain/crash-point.ts'
import type { Kind } from './chaos-workflows.ts'
import { type Death, type Driver, driveRuns, kindsInTurn } from './drive-runs.ts'
import type { Fault } from './fault.ts'
import { judge } from './judge.ts'
import type { Ground } from './open-ground.ts'
import type { Random } from './seeded-random.ts'
import type { WorkerProcess } from './start-worker.ts'

export type Kill = { point: CrashPoint; occurrence: number; death: Death | null }
export type Batch = { kills: Kill[]; runs: number; faults: Fault[]; notReached: CrashPoint[]; seconds: number }

/** Runs that only certain places belong to. */
const reachedBy: Partial<Record<CrashPoint, Kind>> = {
  'rollback.before': 'undone',
  'rollback.after': 'undone',
  'branch.cancelled': 'undone',
  'signal.taken': 'waiting',
  'slot.taken': 'waiting',
  'slot.freed': 'waiting',
  'command.taken': 'corrected',
}
const ofBuilt = /^(model|turn|tool|snapshot|settle|pull_request|commit|push|reopen|retry|items)\./

/** These need a service that is ill for a moment. */
const needsIllness: ReadonlySet<CrashPoint> = new Set(['breaker.written'])

/**
 * Kills a worker at each of the places, in an order and at occurrences of chance, while several runs are under way; then lets
 * all of them come to their ends, ends the workers in good order, and has everything judged.
 */
export const killBatch = async (
  ground: Ground,
  points: readonly CrashPoint[],
  random: Random,
  options: { workers: number; runs: number; tell?: (line: string) => void },
): Promise<Batch> => {
  const began = Date.now()
  const driver = driveRuns(ground)
  const kills: Kill[] = []
  const notReached: CrashPoint[] = []
  try {
    for (let count = 0; count < options.workers; count++) await ground.startWorker()
    for (const [index, point] of random.shuffle(points).entries()) {
      await topUp(ground, driver, point, options)
      if (options.workers > 1 && index % zombieEvery === zombieEvery - 1) await freeze(ground, random)
      const occurrence = 1 + random.below(3)
      const death = await killAt(ground, driver, point, occurrence)
      if (death === null) notReached.push(point)
      else kills.push({ point, occurrence, death })
      options.tell?.(
        `${((Date.now() - began) / 1000).toFixed(1)} s ${point}:${occurrence} ${death ? death.held.size : 'not reached'}`,
      )
    }
    await staff(ground, 1)
    const ended = await driver.ended(mostEndSeconds)
    await driver.stop()
    const faults = await judge(ground, driver, { ended, kills: kills.length })
    const seconds = (Date.now() - began) / 1000
    return { kills, runs: driver.issues.size, faults, notReached, seconds }
  } finally {
    await driver.stop()
  }
}

const staff = async (ground: Ground, wanted: number): Promise<void> => {
  while (ground.workers.size < wanted) await ground.startWorker()
}

const topUp = async (
  ground: Ground,
  driver: Driver,
  point: CrashPoint,
  options: { workers: number; runs: number },
): Promise<void> => {
  await staff(ground, options.workers)
  const fitting = reachedBy[point] ?? (ofBuilt.test(point) ? 'built' : null)
  await driver.start(fitting ?? kindsInTurn(driver.issues.size))
  for (let more = 0; more < options.runs && driver.live() < options.runs; more++)
    await driver.start(kindsInTurn(driver.issues.size))
}

/** F4, in between: a worker falls asleep for longer than its lease, and wakes up believing that it has its runs. */
const zombieEvery = 6
const frozenMs = 2_500

const freeze = async (ground: Ground, random: Random): Promise<void> => {
  const worker = random.pick([...ground.workers])
  worker.kill('SIGSTOP')
  await sleep(frozenMs)
  worker.kill('SIGCONT')
}

const mostWaitMs = 20_000
/** For all that is under way after the last kill. */
const mostEndSeconds = 150

/** Arms the place in every worker; the first to come there dies, and the others are let off. */
const killAt = async (ground: Ground, driver: Driver, point: CrashPoint, occurrence: number): Promise<Death | null> => {
  const armed = [...ground.workers]
  await arm(armed, point, occurrence)
  const latest = Date.now() + mostWaitMs
  for (let round = 0; Date.now() < latest; round++) {
    const dead = armed.find((worker) => worker.endedAt() !== null)
    if (dead) {
      const death = driver.died(dead.pid)
      await letOff(armed)
      return death
    }
    // Not every place is come to so often while so few runs are under way.
    if (occurrence > 1 && round === impatientAfter) await arm(armed, point, 1)
    if (needsIllness.has(point) && round % 40 === 0) makeIll(ground)
    // Not waited for: whoever would take it may just have died.
    if (round % 200 === 199) void driver.start(reachedBy[point] ?? 'built').catch(() => undefined)
    await sleep(20)
  }
  await letOff(armed)
  return null
}

const impatientAfter = 250
const arm = async (armed: readonly WorkerProcess[], point: CrashPoint, occurrence: number): Promise<void> => {
  await Promise.all(armed.map((worker) => worker.ask({ do: 'arm', point, occurrence }).catch(() => undefined)))
}

const letOff = async (armed: readonly WorkerProcess[]): Promise<void> => {
  await Promise.all(armed.map((worker) => worker.ask({ do: 'disarm' }).catch(() => undefined)))
}

const makeIll = ({ world }: Ground): void => {
  world.github.faults.push({ path: /./, times: 4, fault: { kind: 'status', status: 503 } })
}

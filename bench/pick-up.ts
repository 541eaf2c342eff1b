import { setTimeout as sleep } from 'node:timers/promises'
import { lanes } from '../src/queue/contract.ts'
import { createQueue } from '../src/queue/queue.ts'
import { openDatabase } from '../src/store/open-database.ts'
import type { Measurement, Result } from './measurement.ts'
import type { Bench, Place } from './open-bench.ts'
import { onEachDatabase } from './start-bench-app.ts'
import { percentile } from './statistics.ts'

/** From the call that enqueues to the handler's first line, in an idle process with all its lanes. */
export const pickUp: Measurement = {
  name: 'pick-up',
  measure: async (bench) => (await onEachDatabase(bench, (place, name) => pickUpOn(bench, place, name))).flat(),
}

const concurrency = 4

const pickUpOn = async (bench: Bench, place: Place, name: string): Promise<Result[]> => {
  const database = await openDatabase({ ...place, poolSize: 10 })
  bench.after(database.close)
  const queue = createQueue(database)
  await queue.start()
  bench.after(() => queue.stop({ graceMs: 1_000 }))
  const waiting = new Map<string, () => void>()
  for (const lane of lanes) {
    await queue.work(lane, concurrency, async ({ runId = '' }) => waiting.get(runId)?.())
  }
  const timesMs: number[] = []
  const rounds = bench.rounds(200)
  const warmUp = 20
  for (let round = 0; round < rounds + warmUp; round++) {
    const heard = Promise.withResolvers<void>()
    waiting.set(`run ${round}`, heard.resolve)
    const begunMs = performance.now()
    await queue.enqueue('advance-run', { runId: `run ${round}` })
    await heard.promise
    if (round >= warmUp) timesMs.push(performance.now() - begunMs)
    // Uneven, so that it does not beat in time with the timers of the queue.
    await sleep(5 + 20 * Math.random())
  }
  const row = (share: 'p50' | 'p99', floor: number, goal: number): Result => {
    const [p50, p99] = [percentile(timesMs, 0.5), percentile(timesMs, 0.99)]
    const value = share === 'p50' ? p50 : p99
    const title = `from enqueue to handler on ${name}, ${share}`
    return { name: title, value, unit: 'ms', p50, p99, floor, goal, better: 'lower' }
  }
  return [row('p50', 10, 4), row('p99', 50, 10)]
}

import type { Measurement, Result } from './measurement.ts'
import type { Bench, Place } from './open-bench.ts'
import { databaseNames } from './start-bench-app.ts'
import { startWorkerProcess, untilEnded, type WorkerProcess } from './start-worker-process.ts'
import { median } from './statistics.ts'
import { trivialWorkflow } from './trivial-runs.ts'

/**
 * Runs of three steps that do nothing, from the transaction that enqueues them all to the written end of the last, by the
 * database's clock. By real workers in processes of their own with the shipped settings (four runs at once in each), which
 * also tell of each end; what they tell it to is in memory.
 */
export const runsPerSecond: Measurement = {
  name: 'runs-per-second',
  measure: async (bench) => {
    const results: Result[] = []
    for (const [kind, workers] of [
      ['postgres', 1],
      ['postgres', 2],
      ['postgres', 4],
      ['pglite', 1],
    ] as const) {
      const place = await bench.place(kind)
      if (place) results.push(await rateOf(bench, place, workers))
      await bench.tidy()
    }
    return results
  },
}

const source = trivialWorkflow(3)
const warmUp = 15

const rateOf = async (bench: Bench, place: Place, count: number): Promise<Result> => {
  const workers: WorkerProcess[] = []
  for (let started = 0; started < count; started++) workers.push(await startWorkerProcess(bench, place))
  const [first] = workers as [WorkerProcess]
  const runs = bench.rounds(400)
  const rates: number[] = []
  let inserted = 0
  const work = async (more: number): Promise<string[]> => {
    const ids = await first.insert(source, more)
    inserted += more
    await untilEnded(first, inserted)
    return ids
  }
  await work(warmUp * count)
  for (let round = 0; round < bench.rounds(4); round++) rates.push(runs / (await secondsOf(first, await work(runs))))
  const who = count === 1 ? 'one worker process' : `${count} worker processes`
  return {
    name: `runs of three steps a second, ${who} on ${databaseNames[place.kind]}`,
    value: median(rates),
    unit: '/s',
    floor: null,
    goal: null,
    better: 'higher',
    note: `${rates.length} rounds of ${runs}, from enqueue to the last end`,
  }
}

const secondsOf = async (worker: WorkerProcess, ids: string[]): Promise<number> => {
  const [found] = await worker.query<{ seconds: number }>(
    `select extract(epoch from max(finished_at) - min(created_at))::float as seconds
     from workflow_executions where id = any($1)`,
    [ids],
  )
  return found?.seconds ?? Number.NaN
}

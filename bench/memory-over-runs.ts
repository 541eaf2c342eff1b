import type { Measurement, Result } from './measurement.ts'
import type { Bench, Place } from './open-bench.ts'
import { databaseNames } from './start-bench-app.ts'
import { startWorkerProcess, untilEnded, type WorkerProcess } from './start-worker-process.ts'
import { trivialWorkflow } from './trivial-runs.ts'
import type { RestingMemory } from './worker-process.ts'

/**
 * Whether a worker that has worked for long keeps more than one that has begun: what its process holds after 1,000, 5,000
 * and 10,000 runs of one step, each told of at its end, once it has given back what it can. What is resident in the middle
 * of the work says little of that: above all it is garbage that nobody has collected yet, and pages for the next. How far
 * that goes stands beside it. The embedded database lives in the same process and grows with its rows: so PostgreSQL, where
 * what grows is ours.
 */
export const memoryOverRuns: Measurement = {
  name: 'memory-over-runs',
  measure: async (bench) => {
    const place = await bench.place('postgres')
    return place ? measureOn(bench, place) : []
  },
}

const fullCounts = [1_000, 5_000, 10_000]
const source = trivialWorkflow(1)

type Point = { runs: number } & RestingMemory

const measureOn = async (bench: Bench, place: Place): Promise<Result[]> => {
  const worker = await startWorkerProcess(bench, place)
  // A quick look takes a twentieth, which shows that it works and nothing about a slope.
  const share = bench.rounds(100) / 100
  const counts = share < 1 ? fullCounts.map((count) => count / 20) : fullCounts
  const points: Point[] = []
  let inserted = 0
  for (const runs of counts) {
    while (inserted < runs) inserted += await work(worker, Math.min(batch, runs - inserted), inserted)
    points.push({ runs, ...(await leastAtRest(worker)) })
  }
  return [
    slopeRow('heap', points, ({ heapMb }) => heapMb, 0.1),
    slopeRow('resident memory at rest', points, ({ residentMb }) => residentMb, 1),
    peakRow(points),
  ]
}

type Of = (point: Point) => number

const slopeRow = (title: string, points: Point[], of: Of, goal: number): Result => ({
  name: `${title} more after each 1,000 runs on ${databaseNames.postgres}`,
  value: slopePerThousand(points, of),
  unit: 'MB',
  floor: goal,
  goal,
  better: 'lower',
  note: seriesOf(points, of),
})

const peakRow = (points: Point[]): Result => ({
  name: `resident memory of a working worker, at most, on ${databaseNames.postgres}`,
  value: Math.max(...points.map(({ peakMb }) => peakMb)),
  unit: 'MB',
  floor: null,
  goal: null,
  better: 'lower',
  note: seriesOf(points, ({ peakMb }) => peakMb),
})

const seriesOf = (points: Point[], of: Of): string =>
  points.map((point) => `${of(point).toFixed(1)} MB after ${point.runs.toLocaleString('en')}`).join(', ')

/** Never so many that the queue itself would be what is measured. */
const batch = 500

const work = async (worker: WorkerProcess, count: number, before: number): Promise<number> => {
  await worker.insert(source, count)
  await untilEnded(worker, before + count)
  await untilTold(worker)
  return count
}

/** The reports of the last ends may still be under way. */
const untilTold = async (worker: WorkerProcess): Promise<void> => {
  for (;;) {
    const [row] = await worker.query<{ left: number }>(
      `select count(*) as left from pgboss.job where name in ('report', 'advance-run') and state < 'completed'`,
    )
    if ((row?.left ?? 0) === 0) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Three times, the least of each: what happens to be under way in between does not count. */
const leastAtRest = async (worker: WorkerProcess): Promise<RestingMemory> => {
  const seen = [await worker.rest(), await worker.rest(), await worker.rest()]
  const least = (of: (memory: RestingMemory) => number): number => Math.min(...seen.map(of))
  return {
    heapMb: least(({ heapMb }) => heapMb),
    residentMb: least(({ residentMb }) => residentMb),
    peakMb: least(({ peakMb }) => peakMb),
  }
}

/** From the first point, where all is warm, to the last. */
const slopePerThousand = (points: Point[], of: Of): number => {
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last) return Number.NaN
  return ((of(last) - of(first)) * 1_000) / (last.runs - first.runs)
}

import type { Measurement, Result } from './measurement.ts'
import type { Bench, Place } from './open-bench.ts'
import { databaseNames, onEachDatabase } from './start-bench-app.ts'
import { startWorkerProcess, untilEnded, type WorkerProcess } from './start-worker-process.ts'
import { trivialWorkflow } from './trivial-runs.ts'
import type { RestingMemory } from './worker-process.ts'

/**
 * Whether a worker that has worked for long keeps more than one that has begun: what its process holds after 1,000, 5,000
 * and 10,000 runs of one step, each told of at its end, once it has given back what it can. What is resident in the middle
 * of the work says little of that: above all it is garbage that nobody has collected yet, and pages for the next. How far
 * that goes stands beside it. The thread of the embedded database collects when it wants to, so that what is resident with
 * it goes up and down by what it has not collected yet: there is no bar for it, and what is kept shows all the same.
 */
export const memoryOverRuns: Measurement = {
  name: 'memory-over-runs',
  measure: async (bench) => (await onEachDatabase(bench, (place) => measureOn(bench, place))).flat(),
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
  const isApart = place.kind === 'postgres'
  return [
    slopeRow('heap', place, points, ({ heapMb }) => heapMb, 0.1),
    slopeRow('resident memory at rest', place, points, ({ residentMb }) => residentMb, isApart ? 1 : null),
    peakRow(place, points),
  ]
}

type Of = (point: Point) => number

const slopeRow = (title: string, place: Place, points: Point[], of: Of, goal: number | null): Result => ({
  name: `${title} more after each 1,000 runs on ${databaseNames[place.kind]}`,
  value: slopePerThousand(points, of),
  unit: 'MB',
  floor: goal,
  goal,
  better: 'lower',
  note: seriesOf(points, of),
})

const peakRow = (place: Place, points: Point[]): Result => ({
  name: `resident memory of a working worker, at most, on ${databaseNames[place.kind]}`,
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

/** From the middle to the end: over the first thousands a worker still warms up, since what is used a lot is compiled anew. */
const slopePerThousand = (points: Point[], of: Of): number => {
  const [middle, last] = points.slice(-2)
  if (!middle || !last) return Number.NaN
  return ((of(last) - of(middle)) * 1_000) / (last.runs - middle.runs)
}

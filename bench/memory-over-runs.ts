import type { Measurement, Result } from './measurement.ts'
import type { Bench, Place } from './open-bench.ts'
import { databaseNames } from './start-bench-app.ts'
import { startWorkerProcess, untilEnded, type WorkerProcess } from './start-worker-process.ts'
import { trivialWorkflow } from './trivial-runs.ts'

/**
 * What one worker process holds after 1,000, 5,000 and 10,000 runs of one step, each told of at its end: the JavaScript
 * heap after a forced collection, which shows what is kept, and the resident memory at the same moment. The embedded
 * database lives in the same process and grows with its rows: so PostgreSQL, where what grows is ours.
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

type Point = { runs: number; heapMb: number; residentMb: number }

const measureOn = async (bench: Bench, place: Place): Promise<Result[]> => {
  const worker = await startWorkerProcess(bench, place)
  // A quick look takes a twentieth, which shows that it works and nothing about a slope.
  const share = bench.rounds(100) / 100
  const counts = share < 1 ? fullCounts.map((count) => count / 20) : fullCounts
  const points: Point[] = []
  let inserted = 0
  for (const runs of counts) {
    while (inserted < runs) inserted += await work(worker, Math.min(batch, runs - inserted), inserted)
    points.push({ runs, ...(await restingFacts(worker)) })
  }
  const row = (title: string, of: (point: Point) => number, goal: number): Result => ({
    name: `${title} more after each 1,000 runs on ${databaseNames[place.kind]}`,
    value: slopePerThousand(points, of),
    unit: 'MB',
    floor: goal,
    goal,
    better: 'lower',
    note: points.map((point) => `${of(point).toFixed(1)} MB after ${point.runs.toLocaleString('en')}`).join(', '),
  })
  return [row('heap', ({ heapMb }) => heapMb, 0.1), row('resident memory', ({ residentMb }) => residentMb, 1)]
}

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
const restingFacts = async (worker: WorkerProcess): Promise<{ heapMb: number; residentMb: number }> => {
  const seen = [await worker.facts(), await worker.facts(), await worker.facts()]
  return {
    heapMb: Math.min(...seen.map(({ heapMb }) => heapMb)),
    residentMb: Math.min(...seen.map(({ residentMb }) => residentMb)),
  }
}

/** From the first point, where all is warm, to the last. */
const slopePerThousand = (points: Point[], of: (point: Point) => number): number => {
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last) return Number.NaN
  return ((of(last) - of(first)) * 1_000) / (last.runs - first.runs)
}

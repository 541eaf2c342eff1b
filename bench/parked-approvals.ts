import { setTimeout as sleep } from 'node:timers/promises'
import type { Measurement, Result } from './measurement.ts'
import type { Bench, Place } from './open-bench.ts'
import { parkCopies } from './park-copies.ts'
import { onEachDatabase } from './start-bench-app.ts'
import { startWorkerProcess, type WorkerProcess } from './start-worker-process.ts'
import { median } from './statistics.ts'
import { trivialWorkflow, workflowOf } from './trivial-runs.ts'

/**
 * What 10,000 runs that wait for a person cost the worker beside them: memory, processor time while nothing happens, the
 * time to pick up a fresh run; and how soon one of the 10,000 goes on once somebody has said yes. One run is taken to its
 * approval by the engine; the others are copies of its rows, already told of, as they are after the first minute.
 */
export const parkedApprovals: Measurement = {
  name: 'parked-approvals',
  measure: async (bench) => (await onEachDatabase(bench, (place, name) => measureOn(bench, place, name))).flat(),
}

const parked = 10_000
const asking = workflowOf([
  'name: ask, type: approval, shows: "A release", approvers: [ "role:write" ]',
  'name: after, type: system, action: set',
])
const fresh = trivialWorkflow(1)

const measureOn = async (bench: Bench, place: Place, name: string): Promise<Result[]> => {
  const worker = await startWorkerProcess(bench, place)
  const rounds = bench.rounds(40)
  await pickUps(worker, 20)
  const before = { pickUpMs: await pickUps(worker, rounds), ...(await idle(bench, worker)) }
  const copies = await parkCopies(worker, asking, parked)
  const after = { ...(await idle(bench, worker)), pickUpMs: await pickUps(worker, rounds) }
  const answers: number[] = []
  for (const id of copies.slice(0, rounds)) answers.push(await answer(worker, id))
  const beside = `with ${parked.toLocaleString('en')} parked approvals on ${name}`
  const isApart = place.kind === 'postgres'
  return [
    {
      name: `heap of a worker, more ${beside}`,
      value: after.heapMb - before.heapMb,
      unit: 'MB',
      ...bars(1),
      note: `${after.heapMb.toFixed(1)} MB; resident ${before.residentMb.toFixed(0)} and ${after.residentMb.toFixed(0)} MB${isApart ? '' : ', the database in it'}`,
    },
    {
      name: `processor time of an idle worker, more ${beside}`,
      value: after.cpuMsPerSecond - before.cpuMsPerSecond,
      unit: 'ms/s',
      // The embedded database does its work in this process.
      ...(isApart ? bars(5) : bars(null)),
      note: `${before.cpuMsPerSecond.toFixed(1)} without them`,
    },
    {
      name: `from a fresh run to its claim, p50, ${beside}`,
      value: median(after.pickUpMs),
      unit: 'ms',
      p50: median(after.pickUpMs),
      ...bars(null),
      note: `${median(before.pickUpMs).toFixed(1)} ms without them, ${rounds} each`,
    },
    {
      name: `from a person's yes to the next step, p50, ${beside}`,
      value: median(answers),
      unit: 'ms',
      p50: median(answers),
      ...bars(null),
      note: `${answers.length} answers; the ticket is read again first`,
    },
  ]
}

const bars = (bar: number | null) => ({ floor: bar, goal: bar, better: 'lower' as const })

/** By the database's clock, one after the other. */
const pickUps = async (worker: WorkerProcess, count: number): Promise<number[]> => {
  const times: number[] = []
  for (let round = 0; round < count; round++) {
    const [id] = await worker.insert(fresh, 1)
    times.push(await whenThere(worker, claimedAfter, [id]))
    await sleep(20)
  }
  return times
}

const claimedAfter = `select extract(epoch from started_at - created_at)::float * 1000 as ms
  from workflow_executions where id = $1 and state = 'done'`

const answer = async (worker: WorkerProcess, runId: string): Promise<number> => {
  await worker.approve(runId, 'ask')
  return whenThere(worker, goneOnAfter, [runId])
}

const goneOnAfter = `select extract(epoch from step.started_at - approval.decided_at)::float * 1000 as ms
  from step_executions as step join approvals as approval using (run_id) where run_id = $1 and step.address = 'after'`

const longestMs = 30_000

const whenThere = async (worker: WorkerProcess, text: string, values: unknown[]): Promise<number> => {
  const latestMs = performance.now() + longestMs
  while (performance.now() < latestMs) {
    const [row] = await worker.query<{ ms: number }>(text, values)
    if (row) return row.ms
    await sleep(5)
  }
  throw new Error('A run was not gone on with.')
}

type Idle = { heapMb: number; residentMb: number; cpuMsPerSecond: number }

/** Memory after a collection, processor time over some seconds in which nobody asks for anything. */
const idle = async (bench: Bench, worker: WorkerProcess): Promise<Idle> => {
  await worker.facts()
  const begun = await worker.facts()
  const begunMs = performance.now()
  await sleep(1_000 * bench.rounds(8))
  const { cpuMs, heapMb, residentMb } = await worker.facts()
  const seconds = (performance.now() - begunMs) / 1000
  return { heapMb, residentMb, cpuMsPerSecond: (cpuMs - begun.cpuMs) / seconds }
}

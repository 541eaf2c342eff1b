import { commandsOf, endOf, type Kind, retriesOf } from './chaos-workflows.ts'
import type { Driver } from './drive-runs.ts'
import type { Fault } from './fault.ts'
import { interruptionsOf, type Records, type RunRecord } from './records.ts'

/** What the rows say by themselves. */
export const judgeRows = (records: Records, driver: Pick<Driver, 'issues' | 'acknowledged'>): Fault[] => [
  ...records.observed.map((what) => ({ invariant: what.slice(0, 2), what })),
  ...judgeDeliveries(records, driver),
  ...judgeEnds(records, driver.issues),
  ...judgeMoney(records),
  ...judgeCommands(records, driver.issues),
  ...judgeUndoing(records),
]

/** I1: what was acknowledged has a row, and what the row says has happened, once. */
const judgeDeliveries = (
  records: Records,
  { issues, acknowledged }: Pick<Driver, 'issues' | 'acknowledged'>,
): Fault[] => {
  const faults: Fault[] = []
  const fault = (what: string): void => void faults.push({ invariant: 'I1', what })
  const byGuid = new Map(records.deliveries.map((row) => [row.delivery_id, row]))
  for (const { guid, what, issue } of acknowledged) {
    const row = byGuid.get(guid)
    if (!row) fault(`The delivery ${guid} (${what}, issue ${issue}) was acknowledged and has no row.`)
    else if (what === 'start' && (row.disposition !== 'started' || row.started !== 1))
      fault(`The delivery ${guid} says ${row.disposition} and has started ${row.started} runs.`)
    else if (what === 'go' && (row.disposition !== 'signalled' || row.signals !== 1))
      fault(`The delivery ${guid} says ${row.disposition} and is ${row.signals} signals.`)
  }
  for (const issue of issues.keys()) {
    const runs = records.runs.filter((run) => run.issue === issue).length
    if (runs !== 1) fault(`Issue ${issue} has ${runs} runs.`)
  }
  for (const run of records.runs) {
    const wanted = retriesOf[issues.get(run.issue) ?? (run.workflow as Kind)]
    if (run.reopenings !== wanted) fault(`${named(run)} was tried again ${run.reopenings} times, and asked ${wanted}.`)
  }
  for (const { run_id, address, state, decisions } of records.approvals) {
    if (state !== 'approved' || decisions !== 1)
      fault(`The approval ${address} of ${run_id} ended as ${state}, answered ${decisions} times.`)
  }
  return faults
}

/** I6: each in the state that its definition comes to, with no step left open. */
const judgeEnds = (records: Records, issues: ReadonlyMap<number, Kind>): Fault[] => {
  const faults: Fault[] = []
  const fault = (what: string): void => void faults.push({ invariant: 'I6', what })
  for (const run of records.runs) {
    const expected = endOf[issues.get(run.issue) ?? (run.workflow as Kind)]
    if (run.state !== expected.state || run.code !== expected.code)
      fault(`${named(run)} ended as ${run.state} (${run.code ?? 'no failure'}: ${run.failure ?? ''}).`)
  }
  const over = new Set(
    records.runs
      .filter((run) => run.state === 'done' || run.state === 'failed' || run.state === 'stopped')
      .map(({ id }) => id),
  )
  for (const step of records.steps) {
    if (step.state === 'running' && over.has(step.run_id))
      fault(`${step.run_id} has ended, ${step.address} is running.`)
  }
  return faults
}

/** I3: under every cap, nothing reserved any more, and each run's charges are what its budget has settled. */
const judgeMoney = (records: Records): Fault[] => {
  const faults: Fault[] = []
  const fault = (what: string): void => void faults.push({ invariant: 'I3', what })
  for (const { scope, key, cap, reserved, settled, charged } of records.budgets) {
    if (settled + reserved > cap) fault(`${scope} ${key} has ${settled} + ${reserved} of ${cap}.`)
    if (reserved !== 0) fault(`${scope} ${key} has ${reserved} reserved when all is over.`)
    if (charged !== null && Number(charged) !== settled)
      fault(`${scope} ${key} settled ${settled}, charged ${charged}.`)
  }
  if (records.openCharges > 0) fault(`${records.openCharges} charges are still reserved.`)
  return faults
}

/** A clock's grain: the database's times and a command's are of one machine. */
const grainMs = 5

/** I4: a command runs once for each attempt, once more for each worker that died under its run, and never after its end. */
const judgeCommands = (records: Records, issues: ReadonlyMap<number, Kind>): Fault[] => {
  const faults: Fault[] = []
  const fault = (what: string): void => void faults.push({ invariant: 'I4', what })
  const lines = Map.groupBy(records.commands, (line) => `${line.runId} ${line.address}`)
  const steps = new Map(records.steps.map((step) => [`${step.run_id} ${step.address}`, step]))
  for (const run of records.runs) {
    const kind = issues.get(run.issue) ?? (run.workflow as Kind)
    for (const address of commandsOf[kind]) {
      const step = steps.get(`${run.id} ${address}`)
      const times = (lines.get(`${run.id} ${address}`) ?? []).map((line) => line.atMs)
      if (times.length === 0) fault(`${named(run)} has never executed ${address}.`)
      const most = (step?.attempts ?? 0) + interruptionsOf(run)
      if (times.length > most)
        fault(`${named(run)} executed ${address} ${times.length} times; ${most} would be explained.`)
      const last = Math.max(...times)
      if (step?.finished_ms && last > step.finished_ms + grainMs)
        fault(`${named(run)} executed ${address} ${Math.round(last - step.finished_ms)} ms after it was done.`)
    }
  }
  return faults
}

/** Each finished step that can be undone was, the newest first. */
const judgeUndoing = (records: Records): Fault[] => {
  const faults: Fault[] = []
  const fault = (what: string): void => void faults.push({ invariant: 'I2', what })
  for (const [runId, steps] of Map.groupBy(records.steps, (step) => step.run_id)) {
    const undone = steps.filter((step) => step.address.startsWith('@rollback/') && step.state === 'done')
    const orders = undone
      .toSorted((a, b) => (a.finish_order ?? 0) - (b.finish_order ?? 0))
      .map(({ address }) => steps.find((step) => `@rollback/${step.address}` === address)?.finish_order ?? -1)
    const isNewestFirst = orders.every((order, index) => index === 0 || order < (orders[index - 1] as number))
    if (!isNewestFirst) fault(`${runId} undid its steps in the order ${orders.join(', ')}.`)
    const failed = steps.filter((step) => step.address.startsWith('@rollback/') && step.state !== 'done')
    for (const step of failed) fault(`${runId} did not undo ${step.address}: ${step.state}.`)
  }
  return faults
}

const named = (run: RunRecord): string => `${run.workflow} ${run.id} (issue ${run.issue})`

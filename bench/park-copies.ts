import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerProcess } from './start-worker-process.ts'

/**
 * Has the engine park one run of that workflow, and copies its rows so many times. Gives the copies' ids. The tables are
 * analysed then, as autovacuum does it within a minute.
 */
export const parkCopies = async (worker: WorkerProcess, source: string, count: number): Promise<string[]> => {
  const [original = ''] = await worker.insert(source, 1)
  await untilParkedAndTold(worker, original)
  for (const [table, own] of copied) {
    await worker.query(
      `insert into ${table}
       select (jsonb_populate_record(row, jsonb_build_object(${own}))).*
       from ${table} as row, generate_series(1, $2::integer) as number
       where row.${table === 'workflow_executions' ? 'id' : 'run_id'} = $1`,
      [original, count],
    )
    await worker.query(`analyze ${table}`)
  }
  return Array.from({ length: count }, (_, number) => `run_parked_${number + 1}`)
}

const newId = `'run_parked_' || number`

/** In the order of their foreign keys, each with what a copy has of its own. */
const copied: [table: string, own: string][] = [
  ['workflow_executions', `'id', ${newId}, 'intent_key', ${newId}`],
  ['step_executions', `'run_id', ${newId}`],
  ['approvals', `'run_id', ${newId}`],
]

const longestMs = 30_000

const untilParkedAndTold = async (worker: WorkerProcess, id: string): Promise<void> => {
  const latestMs = performance.now() + longestMs
  let state: unknown
  while (performance.now() < latestMs) {
    const [row] = await worker.query<{ state: string; failure: unknown; told: boolean }>(
      `select state, failure, not report_dirty and report_until is null as told from workflow_executions where id = $1`,
      [id],
    )
    if (row?.state === 'parked' && row.told) return
    state = row
    await sleep(50)
  }
  throw new Error(`A run was to be parked; it is ${JSON.stringify(state)}.`)
}

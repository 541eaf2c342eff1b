import { verifyAudit } from '../../src/store/audit.ts'
import type { Database } from '../../src/store/database.ts'
import type { Driver } from './drive-runs.ts'
import type { Fault } from './fault.ts'
import { judgeLeftovers } from './judge-leftovers.ts'
import { judgeRows } from './judge-rows.ts'
import { judgeWorld } from './judge-world.ts'
import type { Ground } from './open-ground.ts'
import { readRecords } from './records.ts'

/**
 * The invariants of docs/RELIABILITY.md, judged by the rows, by what the world has seen, and by what is left on the machine;
 * never by what the engine says of itself. Ends the workers in good order first.
 */
export const judge = async (
  ground: Ground,
  driver: Driver,
  facts: { ended: boolean; kills: number },
): Promise<Fault[]> => {
  const faults: Fault[] = await endWorkers(ground)
  await ground.look(async (database) => {
    const records = await readRecords(database, ground.records)
    if (!facts.ended) faults.push(...(await whatIsOpen(database)))
    faults.push(...judgeRows(records, driver))
    faults.push(...judgeWorld(ground, records, driver, facts.kills))
    faults.push(...(await judgeAudit(database, records.effects)))
    faults.push(...(await judgeLeftovers(ground, database, records)))
  })
  return faults
}

const endWorkers = async (ground: Ground): Promise<Fault[]> => {
  const faults: Fault[] = []
  for (const worker of [...ground.workers]) {
    await worker.ask({ do: 'stop' }).catch((error: unknown) => {
      faults.push({ invariant: 'I7', what: `A worker did not end in good order: ${String(error)}` })
    })
    worker.kill('SIGTERM')
    await worker.ended
  }
  return faults
}

/** I6: which runs had not ended, or were not told to people, when the time for it was over. */
const whatIsOpen = async (database: Database): Promise<Fault[]> => {
  const { rows } =
    await database.query(`select id, state, lease_owner, wake_at, report_dirty, report_until, report_after,
    reported_at, finished_at, now() as now from workflow_executions
    where state in ('queued', 'running', 'parked') or report_dirty or report_until is not null`)
  const late = { invariant: 'I6', what: `${rows.length} runs had not ended, or were not told, in time.` }
  return [late, ...rows.map((row) => ({ invariant: 'I6', what: `Open: ${JSON.stringify(row)}` }))]
}

/** I8: each effect that was confirmed has an audit row that names it, and the chain is whole. */
const judgeAudit = async (
  database: Database,
  effects: readonly { run_id: string; key: string; state: string }[],
): Promise<Fault[]> => {
  const chain = await verifyAudit(database.db)
  const faults: Fault[] = chain.ok ? [] : [{ invariant: 'I8', what: `The audit log is broken: ${chain.reason}` }]
  const rows = await database.query(`select run_id, detail->>'key' as key from audit_log where action like 'effect.%'`)
  const audited = new Set(rows.rows.map((row) => `${String(row['run_id'])} ${String(row['key'])}`))
  for (const { run_id, key, state } of effects) {
    if (state === 'confirmed' && !audited.has(`${run_id} ${key}`))
      faults.push({ invariant: 'I8', what: `The effect ${key} of ${run_id} has no audit row.` })
  }
  return faults
}

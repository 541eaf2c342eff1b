import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from '../../src/store/database.ts'

export type RunRecord = {
  id: string
  workflow: string
  issue: number
  state: string
  code: string | null
  failure: string | null
  epoch: number
  /** The last, and one for each worker that died under it, whatever it had been tried again since. */
  claims: number
  /** How often a worker that lived on gave it back in the middle: its lease had lapsed, its database was away. */
  givings: number
  /** How often it was begun again when it had failed. */
  reopenings: number
}
export type StepRecord = {
  run_id: string
  address: string
  kind: string
  state: string
  attempts: number
  finish_order: number | null
  finished_ms: number | null
}
export type TurnRecord = { run_id: string; ordinal: number; written_ms: number }
export type CommandLine = { runId: string; address: string; atMs: number }

/**
 * How many workers may have left a command or a call of this run in the middle. Whoever gives a run back takes its claim out
 * of the count of claims: what is left there are the dead, and the last.
 */
export const interruptionsOf = ({ claims, givings }: RunRecord): number => claims - 1 + givings

/** All that is known when everything is over: the rows, and the lines that commands have left. */
export type Records = {
  runs: RunRecord[]
  steps: StepRecord[]
  turns: TurnRecord[]
  commands: CommandLine[]
  effects: { run_id: string; key: string; kind: string; state: string }[]
  deliveries: { delivery_id: string; disposition: string; started: number; signalled: number; signals: number }[]
  approvals: { run_id: string; address: string; state: string; decisions: number }[]
  budgets: { scope: string; key: string; cap: number; reserved: number; settled: number; charged: number | null }[]
  openCharges: number
  slots: number
  /** What the triggers of `observe-rows.ts` have noted. */
  observed: string[]
}

export const readRecords = async (database: Database, folder: string): Promise<Records> => {
  const rows = async <Row>(text: string): Promise<Row[]> => (await database.query(text)).rows as Row[]
  const [open] = await rows<{ count: number }>(
    `select count(*)::int as count from cost_tracking where state = 'reserved'`,
  )
  const [slots] = await rows<{ count: number }>('select count(*)::int as count from concurrency_slots')
  return {
    runs: await rows(`select id, workflow, split_part(subject, '/', 2)::int as issue, state,
      failure->>'code' as code, failure->>'message' as failure, epoch::int as epoch,
      claims::int + (select coalesce(sum(before.claims - 1), 0)::int from chaos_reopenings as before where run_id = id) as claims,
      (select count(*)::int from chaos_givings where run_id = id) as givings,
      (select count(*)::int from chaos_reopenings where run_id = id) as reopenings from workflow_executions order by id`),
    steps: await rows(`select run_id, address, kind, state, attempts, finish_order,
      (extract(epoch from finished_at) * 1000)::float as finished_ms from step_executions order by run_id, ordinal`),
    turns: await rows(`select run_id, ordinal, (extract(epoch from agent_turns.started_at) * 1000)::float as written_ms
      from agent_turns join agent_executions on id = agent_id`),
    commands: await readCommands(folder),
    effects: await rows('select run_id, key, kind, state from effects'),
    deliveries: await rows(`select delivery_id, disposition,
      (select count(*)::int from delivery_runs where delivery = id and role = 'started') as started,
      (select count(*)::int from delivery_runs where delivery = id and role = 'signalled') as signalled,
      (select count(*)::int from signals where signals.delivery = deliveries.id) as signals from deliveries`),
    approvals: await rows(`select run_id, address, state, (select count(*)::int from chaos_decisions as made
      where made.run_id = approvals.run_id and made.address = approvals.address) as decisions from approvals`),
    budgets: await rows(`select scope, key, cap, reserved, settled, (select sum(coalesce(cost, reserved))::bigint
      from cost_tracking where run_id = key) as charged from budgets`),
    openCharges: open?.count ?? 0,
    slots: slots?.count ?? 0,
    observed: (await rows<{ what: string }>('select what from chaos_violations order by seq')).map(({ what }) => what),
  }
}

const readCommands = async (folder: string): Promise<CommandLine[]> => {
  const text = await readFile(join(folder, 'commands.log'), 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [runId = '', address = '', nanoseconds = '0'] = line.split(' ')
      return { runId, address, atMs: Number(BigInt(nanoseconds) / 1_000_000n) }
    })
}

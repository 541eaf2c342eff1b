import { describe, expect, it } from 'vitest'
import { newId } from '../../src/domain/ids.ts'
import { describeOnEachDatabase } from '../databases.ts'
import { insertTestRun } from '../rows.ts'
import { judgeRows } from './judge-rows.ts'
import { observeRows } from './observe-rows.ts'
import type { Records } from './records.ts'

/** A run that was undone in the end, once interrupted, as everything should be. */
const sound = (): Records => ({
  runs: [
    {
      id: 'run_1',
      workflow: 'undone',
      issue: 1,
      state: 'failed',
      code: 'command_failed',
      failure: 'x',
      epoch: 4,
      claims: 2,
      givings: 0,
      reopenings: 0,
    },
  ],
  steps: [
    {
      run_id: 'run_1',
      address: 'change',
      kind: 'run',
      state: 'done',
      attempts: 1,
      finish_order: 1,
      finished_ms: 1_000,
    },
    {
      run_id: 'run_1',
      address: 'first',
      kind: 'plugin',
      state: 'done',
      attempts: 1,
      finish_order: 2,
      finished_ms: 1_100,
    },
    {
      run_id: 'run_1',
      address: 'both_fail/bad',
      kind: 'run',
      state: 'failed',
      attempts: 1,
      finish_order: null,
      finished_ms: 1_200,
    },
    {
      run_id: 'run_1',
      address: '@rollback/first',
      kind: 'rollback',
      state: 'done',
      attempts: 1,
      finish_order: 3,
      finished_ms: 1_300,
    },
    {
      run_id: 'run_1',
      address: '@rollback/change',
      kind: 'rollback',
      state: 'done',
      attempts: 1,
      finish_order: 4,
      finished_ms: 1_400,
    },
  ],
  turns: [],
  commands: [
    { runId: 'run_1', address: 'change', atMs: 800 },
    { runId: 'run_1', address: 'change', atMs: 900 },
    { runId: 'run_1', address: 'both_fail/bad', atMs: 1_150 },
  ],
  effects: [],
  deliveries: [{ delivery_id: 'd1', disposition: 'started', started: 1, signalled: 0, signals: 0 }],
  approvals: [],
  budgets: [{ scope: 'run', key: 'run_1', cap: 100, reserved: 0, settled: 40, charged: 40 }],
  openCharges: 0,
  slots: 0,
  observed: [],
})

const driver = {
  issues: new Map([[1, 'undone' as const]]),
  acknowledged: [{ guid: 'd1', what: 'start' as const, issue: 1 }],
}

const broken: Record<string, { invariant: string; breakIt: (records: Records) => void }> = {
  'a delivery without a row': { invariant: 'I1', breakIt: (records) => void records.deliveries.pop() },
  'a delivery that started two runs': {
    invariant: 'I1',
    breakIt: ({ deliveries }) => Object.assign(deliveries[0] ?? {}, { started: 2 }),
  },
  'a run that was tried again without having been asked': {
    invariant: 'I1',
    breakIt: ({ runs }) => Object.assign(runs[0] ?? {}, { reopenings: 1 }),
  },
  'what was undone in the wrong order': {
    invariant: 'I2',
    breakIt: ({ steps }) => Object.assign(steps[3] ?? {}, { finish_order: 9 }),
  },
  'more settled than the cap': {
    invariant: 'I3',
    breakIt: ({ budgets }) => Object.assign(budgets[0] ?? {}, { cap: 39 }),
  },
  'a reserve that nobody settled': {
    invariant: 'I3',
    breakIt: (records) => Object.assign(records, { openCharges: 1 }),
  },
  'charges that the budget does not have': {
    invariant: 'I3',
    breakIt: ({ budgets }) => Object.assign(budgets[0] ?? {}, { charged: 41 }),
  },
  'a command that ran after its step was done': {
    invariant: 'I4',
    breakIt: ({ commands }) => Object.assign(commands[1] ?? {}, { atMs: 1_010 }),
  },
  'a command that ran once too often': {
    invariant: 'I4',
    breakIt: ({ commands }) => void commands.push({ runId: 'run_1', address: 'change', atMs: 850 }),
  },
  'a run in another state than its definition comes to': {
    invariant: 'I6',
    breakIt: ({ runs }) => Object.assign(runs[0] ?? {}, { state: 'done', code: null }),
  },
  'a step that is running when its run is over': {
    invariant: 'I6',
    breakIt: ({ steps }) => Object.assign(steps[2] ?? {}, { state: 'running' }),
  },
}

describe('the judge of the rows', () => {
  it('has nothing to say about a sound run', () => {
    expect(judgeRows(sound(), driver)).toEqual([])
  })

  it.for(Object.entries(broken))('finds %s', ([, { invariant, breakIt }]) => {
    const records = sound()
    breakIt(records)
    expect(judgeRows(records, driver).map((fault) => fault.invariant)).toContain(invariant)
  })
})

describeOnEachDatabase('the triggers that watch each write', (open) => {
  it('note what must not change any more, and what was written under an epoch that is over', async () => {
    const database = await open()
    await database.query(observeRows)
    const { runId } = await insertTestRun(database.db, { epoch: 3 })
    const noted = async (): Promise<string[]> =>
      (await database.query('select what from chaos_violations order by seq')).rows.map(({ what }) =>
        String(what).slice(0, 2),
      )
    const insert = (address: string, epoch: number) =>
      database.query(
        `insert into step_executions (run_id, address, name, kind, ordinal, state, epoch) values ($1, $2, 'a', 'run', 1, 'running', $3)`,
        [runId, address, epoch],
      )
    await insert('good', 3)
    await database.query(`update step_executions set state = 'done', finished_at = now() where address = 'good'`)
    expect(await noted()).toEqual([])
    await insert('stale', 2)
    expect(await noted()).toEqual(['I5'])
    await database.query(`update step_executions set state = 'running' where address = 'good'`)
    expect(await noted()).toEqual(['I5', 'I4'])
    await database.query(
      `insert into effects (run_id, key, kind, target, state, epoch, request, sent_at) values ($1, $2, 'comment', 't', 'sent', 2, '{}', now())`,
      [runId, `comment:${newId('eff')}`],
    )
    await database.query(`update workflow_executions set state = 'done' where id = $1`, [runId])
    await database.query(`update workflow_executions set state = 'running' where id = $1`, [runId])
    expect(await noted()).toEqual(['I5', 'I4', 'I5', 'I6'])
  })
})

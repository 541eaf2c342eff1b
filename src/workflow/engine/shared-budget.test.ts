import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { newId } from '../../domain/ids.ts'
import { engineUnderTest, workflowOf } from './testing/engine-under-test.ts'

const runs = 16
const turns = 4

describeOnEachDatabase('a budget that 16 runs share (F21)', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open({ poolSize: 12 })
  })

  it('is reached in the middle: no call is begun beyond it, and whom it stops ends with the reason', async () => {
    // 64 turns of 180 micro-dollars are wanted: most of the runs get through, and not all.
    const monthlyCap = 11_000
    const engine = await engineUnderTest(database, {
      turns: Array.from({ length: turns }, (_, at) => async (workspace) => {
        await workspace.files.write(`${at}.ts`, String(at))
      }),
      settings: { monthlyCap },
    })
    const ai = '\n  - { name: code, type: ai_action, agent: development, prompt_template: prompts/do.njk }'
    const ids: string[] = []
    for (let made = 0; made < runs; made++) ids.push(await engine.queueRun(workflowOf(ai)))
    const { signal } = new AbortController()
    await Promise.all(ids.map((id) => engine.worker(database, newId('agent'))(id, signal)))

    const ended = await Promise.all(ids.map((id) => engine.run(id)))
    const failed = ended.filter((run) => run.state === 'failed')
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.length).toBeLessThan(runs)
    expect(new Set(failed.map((run) => run.failure?.code))).toEqual(new Set(['budget_exceeded']))
    expect(ended.filter((run) => run.state === 'done')).toHaveLength(runs - failed.length)

    const { rows } = await database.query(`select cap, settled, reserved from budgets where scope = 'month'`)
    const [month] = rows as { cap: number; settled: number; reserved: number }[]
    expect(month).toMatchObject({ cap: monthlyCap, reserved: 0 })
    expect(month?.settled).toBeLessThanOrEqual(monthlyCap)
    const charged = await database.query(`select sum(cost)::bigint as cost, count(*)::int as calls from cost_tracking`)
    expect(charged.rows).toEqual([{ cost: month?.settled, calls: engine.paidTurns.length }])
  })
})

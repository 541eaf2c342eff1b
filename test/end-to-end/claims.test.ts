import { expect, it } from 'vitest'
import { type Child, startChild } from '../child-process.ts'
import { describeOnEachDatabase } from '../databases.ts'
import { insertTestRun } from '../rows.ts'

const processes = 4
const workersEach = 4
const rounds = 25

describeOnEachDatabase('many workers that claim one run at once (F5)', (open, kind) => {
  if (kind === 'pglite') {
    it.skip('is a matter of PostgreSQL: the embedded database serves one process', () => undefined)
    return
  }

  it(`gives it to one of ${processes * workersEach} in ${processes} processes, under one epoch`, async () => {
    const database = await open()
    const children = Array.from({ length: processes }, () =>
      startChild('claim-runs.ts', database.url ?? '', String(workersEach)),
    )
    try {
      await Promise.all(children.map((child) => child.until('ready')))
      for (let round = 0; round < rounds; round++) {
        const { runId } = await insertTestRun(database.db)
        await database.query(
          `update workflow_executions set state = 'queued', lease_owner = null, lease_until = null, acknowledged_at = now(), epoch = 0 where id = $1`,
          [runId],
        )
        for (const child of children) child.process.stdin?.write(`${runId}\n`)
        const winners = (await Promise.all(children.map((child) => winnersOf(child, runId)))).flat()
        expect(winners).toHaveLength(1)
        const { rows } = await database.query(
          'select epoch, claims, lease_owner from workflow_executions where id = $1',
          [runId],
        )
        expect(rows).toEqual([{ epoch: 1, claims: 1, lease_owner: winners[0]?.split('/')[0] }])
      }
    } finally {
      await Promise.all(children.map((child) => child.kill()))
    }
  })
})

const winnersOf = async (child: Child, runId: string): Promise<string[]> => {
  const said = await child.until(`${runId} `)
  const text = new RegExp(`^${runId} (.*)$`, 'm').exec(said)?.[1] ?? ''
  return text === 'nobody' ? [] : text.split(',')
}

import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { decideApproval, getApproval } from '../../store/approvals.ts'
import { engineUnderTest, workflowOf } from './testing/engine-under-test.ts'

describeOnEachDatabase('a worker that dies at each of its writes in turn', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  it('loses no answer that a person gave in the meantime, and asks nothing twice', async () => {
    const asks = workflowOf(
      '\n  - { name: ask, type: approval, shows: go?, timeout: 86400, outputs: { comment: said } }',
    )
    for (let k = 1; ; k++) {
      const engine = await engineUnderTest(database)
      const id = await engine.queueRun(asks)
      const died = await engine.dieAt(id, k)
      if (!(await getApproval(database.db, id, 'ask'))) await engine.advance(id)
      const decision = { runId: id, address: 'ask', verdict: 'approved', by: 'bob', comment: 'yes' } as const
      expect(await database.db.transaction().execute((tx) => decideApproval(tx, decision))).toBe(true)
      await engine.advance(id)
      expect(await engine.run(id), `killed at query ${k}`).toMatchObject({ state: 'done' })
      expect(await getApproval(database.db, id, 'ask')).toMatchObject({ state: 'approved', asked: 1, comment: 'yes' })
      if (!died) return
    }
  })

  it('loses no try of a group that is to be tried again', async () => {
    const unsteady = workflowOf(`
  - name: group
    type: parallel
    on_error: retry
    retry: { count: 1, initial_seconds: 0.001, jitter: none }
    steps: [ { name: once, type: run, command: once } ]`)
    for (let k = 1; ; k++) {
      let tries = 0
      const once = async () => {
        tries += 1
        return { exitCode: tries === 1 ? 1 : 0 }
      }
      const engine = await engineUnderTest(database, { commands: { once } })
      const id = await engine.queueRun(unsteady)
      const died = await engine.dieAt(id, k)
      await engine.advance(id)
      const { state, failure } = await engine.run(id)
      expect({ state, failure }, `killed at query ${k}`).toEqual({ state: 'done', failure: null })
      if (!died) return
    }
  })
})

import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { engineUnderTest, workflowOf } from './testing/engine-under-test.ts'

describeOnEachDatabase('an input that is required', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const ended = async (rest: string) => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(workflowOf('\n  - { name: one, action: set, inputs: { a: 1 } }', rest))
    await engine.advance(id)
    return { run: await engine.run(id), steps: await engine.steps(id) }
  }

  it('and that nothing brings ends the run before its first step', async () => {
    const { run, steps } = await ended('inputs: { loaves: { type: number, required: true } }\n')
    expect(run).toMatchObject({
      state: 'failed',
      failure: { code: 'invalid_input', message: expect.stringContaining('`loaves`') },
    })
    expect(steps['one']).toBeUndefined()
  })

  it('is no matter where what started the run brings it', async () => {
    expect((await ended('inputs: { task_id: { type: string, required: true } }\n')).run.state).toBe('done')
  })

  it('is missed after the prerequisites, which know better why', async () => {
    const { run } = await ended(
      'inputs: { loaves: { type: number, required: true } }\nprerequisites: [ { condition: "${loaves}", error_message: "Say how many." } ]\n',
    )
    expect(run.failure).toMatchObject({ code: 'condition_failed', message: 'Say how many.' })
  })
})

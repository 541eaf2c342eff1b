import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { engineUnderTest, workflowOf } from './testing/engine-under-test.ts'

describeOnEachDatabase('a loop over an object', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  it.each([
    ['at once', ''],
    ['after another worker has gone on', '{ name: look, action: set, inputs: { seen: "${prices}" } }'],
  ])('goes through its pairs by name, %s: rows keep no order', async (_name, before) => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(
      workflowOf(
        `${before && `\n  - ${before}\n  - { name: pause, type: wait, seconds: 600 }`}
  - name: each
    type: loop
    for_each: "\${prices}"
    max_iterations: 5
    steps: [ { name: note, action: set, inputs: { line: "\${item.key}=\${item.value}" } } ]`,
        'variables: { prices: { pie: 300, bread: 250, cake: 1200 } }\n',
      ),
    )
    await engine.advance(id)
    if (before) await engine.passTime(id, 700)
    if (before) await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
    const steps = await engine.steps(id)
    const lines = [0, 1, 2].map((index) => steps[`each[${index}]/note`]?.result)
    expect(lines).toEqual([{ line: 'bread=250' }, { line: 'cake=1200' }, { line: 'pie=300' }])
  })
})

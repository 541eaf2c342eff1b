import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { engineUnderTest, workflowOf } from '../engine/testing/engine-under-test.ts'

const opens = `
  - { name: branch, plugin: version_control, action: create_branch, inputs: { branch: ai/one } }
  - { name: work, type: run, command: write a }
  - name: pr
    plugin: version_control
    action: create_pull_request
    inputs: { source_branch: ai/one, target_branch: main, title: A change, description: Done }
  - name: ticket
    plugin: task_management
    action: create_task
    inputs: { project: acme/shop, title: Follow up, acceptance_criteria: [It works] }
    outputs: { task_id: ticket }`

describeOnEachDatabase('what a rollback undoes', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const runOf = async (steps: string, meanwhile: (engine: Awaited<ReturnType<typeof engineUnderTest>>) => void) => {
    const engine = await engineUnderTest(database, {
      commands: {
        meanwhile: async () => {
          meanwhile(engine)
          return { exitCode: 1 }
        },
      },
    })
    const id = await engine.queueRun(
      workflowOf(`${steps}\n  - { name: bad, type: run, command: meanwhile, on_error: rollback }`),
    )
    await engine.advance(id)
    return { engine, rows: await engine.steps(id), ended: await engine.run(id) }
  }

  it('closes the pull request, deletes the branch that it pushed, and cancels the ticket that it created', async () => {
    const { engine, rows, ended } = await runOf(opens, ({ host }) => expect(host.branches.has('ai/one')).toBe(true))
    expect(ended.failure?.code).toBe('command_failed')
    expect(engine.host.changes.map((change) => change.state)).toEqual(['closed'])
    expect(engine.host.branches.has('ai/one')).toBe(false)
    const created = [...engine.tracker.tasks.values()].find((task) => task.title === 'Follow up')
    expect(created).toMatchObject({ status: 'cancelled', description: expect.stringContaining('- [ ] It works') })
    expect(Object.keys(rows).filter((address) => address.startsWith('@rollback'))).toEqual([
      '@rollback/ticket',
      '@rollback/pr',
      '@rollback/branch',
    ])
  })

  it('leaves a branch that somebody else has gone on with, and says so', async () => {
    const { engine, rows } = await runOf(opens, ({ host }) => host.branches.set('ai/one', 'f'.repeat(40)))
    expect(engine.host.branches.has('ai/one')).toBe(true)
    expect(rows['@rollback/branch']).toMatchObject({ state: 'failed', failure: { code: 'conflict' } })
  })

  it('leaves a branch of that name which the run never pushed', async () => {
    const branch = '\n  - { name: branch, plugin: version_control, action: create_branch, inputs: { branch: ai/one } }'
    const { engine } = await runOf(branch, ({ host }) => host.branches.set('ai/one', 'f'.repeat(40)))
    expect(engine.host.branches.has('ai/one')).toBe(true)
  })
})

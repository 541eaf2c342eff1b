import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { commitId } from '../../../test/fakes/memory-version-control.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { engineUnderTest, workflowOf } from '../engine/testing/engine-under-test.ts'

const open = `
  - name: pr
    plugin: version_control
    action: create_pull_request
    inputs: { source_branch: topic, target_branch: main, title: T, description: D }
    outputs: { number: pr.number }
    on_error: retry
    retry: { count: 2, initial_seconds: 0.001, jitter: none }`

describeOnEachDatabase('the actions', (openDatabase) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await openDatabase()
  })
  const engineWith = async (steps: string) => {
    const engine = await engineUnderTest(database)
    return { engine, id: await engine.queueRun(workflowOf(steps)) }
  }

  it('push what has changed since the last push, too', async () => {
    const { engine, id } = await engineWith(`
  - { name: one, type: run, command: write a }
  - { name: push, plugin: version_control, action: push_branch, inputs: { branch: topic } }
  - { name: two, type: run, command: write b }${open}`)
    await engine.advance(id)
    const run = await engine.run(id)
    expect(run.failure).toBeNull()
    expect(engine.host.changes[0]?.head_sha).toBe(run.links.change?.headSha)
    expect(engine.host.branches.get('topic')).toBe(run.links.change?.headSha)
    expect(run.links.change?.files).toBe(2)
  })

  it('do not push over what somebody else has pushed in between', async () => {
    const { engine, id } = await engineWith(`
  - { name: one, type: run, command: write a }
  - { name: push, plugin: version_control, action: push_branch, inputs: { branch: topic } }
  - { name: two, type: run, command: write b }${open}`)
    const push = engine.host.push
    engine.host.push = (branch, commit, expected) => {
      push(branch, commit, expected)
      if (expected === null) engine.host.branches.set('topic', commitId('of somebody else'))
    }
    await engine.advance(id)
    expect((await engine.run(id)).failure).toMatchObject({ code: 'conflict' })
    expect(engine.host.branches.get('topic')).toBe(commitId('of somebody else'))
    expect(engine.host.changes).toEqual([])
  })

  it('take no closed change of an earlier run for their own, when the first try gets no answer', async () => {
    const { engine, id } = await engineWith(`\n  - { name: one, type: run, command: write a }${open}`)
    engine.host.branches.set('topic', commitId('earlier'))
    const input = { title: 'Earlier', body: '', sourceBranch: 'topic', targetBranch: 'main', draft: false }
    const earlier = await engine.host.plugin.createChange({ repository: 'acme/shop', installation: null }, input)
    engine.host.changes[0] = { ...earlier, state: 'closed' }
    engine.host.branches.delete('topic')
    let tries = 0
    const createChange: typeof engine.host.plugin.createChange = async (...given) => {
      tries += 1
      if (tries === 1) throw new JourneymanError('unavailable', 'No answer.')
      return engine.host.plugin.createChange(...given)
    }
    const versionControl = { ...engine.host.plugin, createChange }
    await engine.worker(database, 'one', { versionControl })(id, new AbortController().signal)
    expect((await engine.run(id)).links.change?.number).toBe(2)
    expect(engine.host.changes.map((change) => change.state)).toEqual(['closed', 'open'])
  })

  it('open one pull request also when the first try was done and not answered', async () => {
    const { engine, id } = await engineWith(`\n  - { name: one, type: run, command: write a }${open}`)
    let tries = 0
    const createChange: typeof engine.host.plugin.createChange = async (...given) => {
      tries += 1
      await engine.host.plugin.createChange(...given)
      throw new JourneymanError('timeout', 'No answer.')
    }
    const versionControl = { ...engine.host.plugin, createChange }
    await engine.worker(database, 'one', { versionControl })(id, new AbortController().signal)
    expect((await engine.run(id)).failure).toBeNull()
    expect(tries).toBe(1)
    expect(engine.host.changes).toHaveLength(1)
  })

  it('let no secret out in a comment', async () => {
    const { engine, id } = await engineWith(`
  - { name: say, plugin: task_management, action: add_comment, inputs: { comment: "The password is hunter2." } }`)
    await engine.advance(id)
    expect((await engine.run(id)).failure).toMatchObject({
      code: 'gate_refused',
      message: expect.not.stringContaining('hunter2'),
    })
    expect(engine.tracker.comments).toEqual([])
  })

  it('propose nothing where nothing has changed', async () => {
    const { engine, id } = await engineWith(open)
    await engine.advance(id)
    expect((await engine.run(id)).failure).toMatchObject({ code: 'nothing_to_propose' })
    expect(engine.host.branches.has('topic')).toBe(false)
  })
})

import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import {
  type EngineUnderTest,
  engineUnderTest,
  type RunOptions,
  workflowOf,
} from '../engine/testing/engine-under-test.ts'
import { parsePinned } from '../language/pinned.ts'
import { replayRun } from './replay-run.ts'

const steps = `
  - { name: size, type: system, action: set, inputs: { small: true } }
  - { name: say, type: run, command: say hello, outputs: { output: said } }
  - name: choose
    type: conditional
    condition: "\${small}"
    then: [ { name: tell, plugin: task_management, action: add_comment, inputs: { comment: "It said \${said}" } } ]
  - { name: may_fail, type: run, command: fail, on_error: continue }`

describeOnEachDatabase('a replay', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const replayedBy = async (source: string) => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(workflowOf(steps))
    await engine.advance(id)
    const comments = engine.tracker.comments.length
    const rows = Object.values(await engine.steps(id))
    const run = await engine.run(id)
    const replayed = await replayRun({ run, rows, definition: parsePinned(source, {}), prompts: {} })
    // Nothing is done by it.
    expect(engine.tracker.comments.length).toBe(comments)
    expect(Object.values(await engine.steps(id))).toHaveLength(rows.length)
    return replayed.differences
  }

  it('comes out the same by the same definition', async () => {
    expect(await replayedBy(workflowOf(steps))).toEqual([])
  })

  it('knows the address at which people see the run, as it was when the run began', async () => {
    const engine = await engineUnderTest(database, { settings: { runUrl: (id) => `https://runs.test/${id}` } })
    const source = workflowOf(`
  - { name: pause, type: wait, seconds: 600 }
  - { name: tell, type: system, action: set, inputs: { text: "\${run.url}" } }`)
    const id = await engine.queueRun(source)
    await engine.advance(id)
    engine.settings.runUrl = () => 'https://elsewhere.test'
    await engine.passTime(id, 700)
    await engine.advance(id)
    const [run, rows] = [await engine.run(id), Object.values(await engine.steps(id))]
    expect(rows.find((row) => row.name === 'tell')?.result).toEqual({ text: `https://runs.test/${id}` })
    const replayed = await replayRun({ run, rows, definition: parsePinned(source, {}), prompts: {} })
    expect(replayed.differences).toEqual([])
  })

  it('shows of a step how often it was tried and what it has cost, as the run did', async () => {
    let calls = 0
    const engine = await engineUnderTest(database, {
      commands: { flaky: async () => ({ exitCode: calls++ === 0 ? 1 : 0 }) },
      turns: [async () => undefined],
    })
    const source = workflowOf(`
  - { name: first, type: system, action: set, inputs: { a: 1 } }
  - { name: flaky, type: run, command: flaky, on_error: retry, retry: { count: 1, initial_seconds: 0, jitter: none } }
  - { name: think, type: ai_action, agent: development, prompt_template: prompts/do.njk }
  - name: tell
    type: system
    action: set
    inputs: { text: "\${steps.first.attempts} \${steps.flaky.attempts} \${steps.think.cost_usd}" }`)
    const id = await engine.queueRun(source)
    await engine.advance(id)
    const run = await engine.run(id)
    expect(run.failure).toBeNull()
    const rows = Object.values(await engine.steps(id))
    expect(rows.find((row) => row.name === 'tell')?.result).toEqual({ text: expect.stringMatching(/^1 2 0\.0/) })
    const replayed = await replayRun({ run, rows, definition: parsePinned(source, {}), prompts: {} })
    expect(replayed.differences).toEqual([])
  })

  it('says which step would be given something else', async () => {
    const differences = await replayedBy(workflowOf(steps.replace('It said', 'She said')))
    expect(differences).toEqual([
      expect.objectContaining({
        address: 'choose:then/tell',
        what: 'inputs',
        was: expect.objectContaining({ comment: 'It said hello' }),
        is: expect.objectContaining({ comment: 'She said hello' }),
      }),
    ])
  })

  it('says which steps would be new, would be gone, would be skipped, and that the end would be another', async () => {
    const changed = steps
      .replace('name: may_fail', 'name: must_not_fail')
      .replace('condition: "${small}"', 'condition: "${not small}"')
      .replace('name: say,', 'name: say, condition: "${not small}",')
    const differences = await replayedBy(workflowOf(changed))
    expect(differences.map(({ address, what }) => `${what} ${address}`)).toEqual([
      'skipped say',
      'gone choose:then/tell',
      'gone may_fail',
      'new must_not_fail',
    ])
  })

  it('says so where the run would end otherwise', async () => {
    const differences = await replayedBy(workflowOf(steps.replace(', on_error: continue', '')))
    expect(differences).toEqual([{ address: '', what: 'end', was: 'done', is: 'command_failed', guessed: false }])
  })

  const replayedAfter = async (
    source: string,
    more: RunOptions,
    between: (engine: EngineUnderTest, id: string) => Promise<void>,
  ) => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(source, more)
    await engine.advance(id)
    await between(engine, id)
    await engine.advance(id)
    const run = await engine.run(id)
    const rows = Object.values(await engine.steps(id))
    const replayed = await replayRun({ run, rows, definition: parsePinned(source, {}), prompts: {} })
    return { end: run.failure?.code ?? run.state, differences: replayed.differences }
  }
  // Whatever goes on inside when it is told of the end.
  const asksInside = (timeout: string) => `
  - name: group
    type: parallel
    ${timeout}
    steps:
      - name: rounds
        for_each: [1, 2]
        max_iterations: 2
        on_error: continue
        type: loop
        steps: [ { name: ask, type: approval, shows: it, timeout: 9000 }, { name: after, action: log, inputs: { message: asked } } ]`

  it('has no difference where the time of a group ran out, though a step inside goes on after any failure', async () => {
    const { end, differences } = await replayedAfter(workflowOf(asksInside('timeout: 100')), {}, async (engine, id) => {
      await engine.passTime(id, 200)
      await engine.lapse(id)
    })
    expect({ end, differences }).toEqual({ end: 'timeout', differences: [] })
  })

  it('nor where the time of the whole run did', async () => {
    const ask = `
  - { name: nap, type: run, command: hang, on_error: continue }
  - { name: after, action: log, inputs: { message: over } }`
    const { end, differences } = await replayedAfter(workflowOf(ask), { deadlineSeconds: 1 }, async () => undefined)
    expect({ end, differences }).toEqual({ end: 'limit_reached', differences: [] })
  })

  it('marks what comes after a step whose result nobody knows', async () => {
    const differences = await replayedBy(
      workflowOf(steps.replace('name: say,', 'name: ask,').replace('It said', 'It answered')),
    )
    expect(differences.map(({ address, what, guessed }) => ({ address, what, guessed }))).toContainEqual({
      address: 'choose:then/tell',
      what: 'inputs',
      guessed: true,
    })
  })
})

import { beforeAll, expect, it } from 'vitest'
import { breakableDatabase } from '../../../test/breakable-database.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { sleep } from '../../domain/clock.ts'
import { JourneymanError } from '../../domain/errors.ts'
import type { Event } from '../../domain/event.ts'
import type { Run } from '../../domain/run.ts'
import { decideApproval, getApproval } from '../../store/approvals.ts'
import { claimRun, releaseRun } from '../../store/claim-run.ts'
import { addSignals } from '../../store/signals.ts'
import { type EngineOptions, engineUnderTest, type RunOptions, workflowOf } from './testing/engine-under-test.ts'

const never = new AbortController().signal

describeOnEachDatabase('a run, whichever worker goes on with it', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const begun = async (steps: string, options: EngineOptions = {}, more: RunOptions = {}) => {
    const engine = await engineUnderTest(database, options)
    const id = await engine.queueRun(workflowOf(steps), more)
    await engine.advance(id)
    return { engine, id }
  }
  const approve = (runId: string, address: string) =>
    database.db
      .transaction()
      .execute((tx) => decideApproval(tx, { runId, address, verdict: 'approved', by: 'bob', comment: null }))

  it('is asked once about what has not changed, in whatever order its parts were given', async () => {
    const { engine, id } = await begun(`
  - { name: plan, type: system, action: set, inputs: { plan: { summary: Do it, tasks: [{ title: a, by: b }] } } }
  - { name: ask, type: approval, shows: "\${plan}", timeout: 86400 }`)
    await approve(id, 'ask')
    await engine.advance(id)
    expect(await getApproval(database.db, id, 'ask')).toMatchObject({ asked: 1, state: 'approved' })
    expect((await engine.run(id)).state).toBe('done')
  })

  it('writes an object into a text alike before and after it was read back', async () => {
    const { engine, id } = await begun(`
  - { name: plan, type: system, action: set, inputs: { plan: { summary: Do it, by: me } } }
  - { name: before, type: system, action: set, inputs: { text: "is \${plan}" } }
  - { name: pause, type: wait, seconds: 600 }
  - { name: after, type: system, action: set, inputs: { text: "is \${plan}" } }`)
    await engine.passTime(id, 700)
    await engine.advance(id)
    const steps = await engine.steps(id)
    expect(steps['after']?.result).toEqual(steps['before']?.result)
  })

  it('knows at once what a step has cost, and asks once about it', async () => {
    const { engine, id } = await begun(
      `
  - { name: plan, type: ai_action, prompt_template: prompts/do.njk }
  - { name: ask, type: approval, shows: "\${steps.plan.cost_usd}", timeout: 86400 }`,
      { turns: [async () => undefined] },
    )
    const shown = (await getApproval(database.db, id, 'ask'))?.shown
    expect(shown).toBeGreaterThan(0)
    await approve(id, 'ask')
    await engine.advance(id)
    expect(await getApproval(database.db, id, 'ask')).toMatchObject({ asked: 1, state: 'approved' })
  })

  it('gives an event to one of two steps that wait for it at the same time', async () => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(
      workflowOf(`
  - name: group
    type: parallel
    steps:
      - { name: one, type: wait, event: checks.completed, timeout: 3600 }
      - { name: two, type: wait, event: checks.completed, timeout: 3600 }`),
      { waitsFor: ['checks.completed'] },
    )
    const event = { ...(await engine.run(id)).event, name: 'checks.completed' } as Event
    await database.db.transaction().execute((tx) => addSignals(tx, [{ runId: id, delivery: null, event }]))
    await engine.advance(id)
    const rows = await engine.steps(id)
    expect([rows['group/one']?.state, rows['group/two']?.state].sort()).toEqual(['done', 'running'])
    expect((await engine.run(id)).state).toBe('parked')
  })

  it('tries a construct again without losing what a finished one inside had set after a failure', async () => {
    let tries = 0
    const once = async () => ({ exitCode: tries++ === 0 ? 1 : 0 })
    const { engine, id } = await begun(
      `
  - name: outer
    type: parallel
    on_error: retry
    fail_fast: false
    retry: { count: 1, initial_seconds: 0.001, jitter: none }
    steps:
      - name: inside
        type: conditional
        condition: "true"
        then:
          - { name: optional, type: run, command: fail, on_error: continue }
          - { name: sets, type: system, action: set, inputs: { kept: yes } }
      - { name: once, type: run, command: once }
  - { name: after, type: system, action: set, inputs: { text: "\${kept}" } }`,
      { commands: { once } },
    )
    expect((await engine.run(id)).failure).toBeNull()
    const steps = await engine.steps(id)
    expect(steps['outer/inside:then/optional']?.failure?.code).toBe('command_failed')
    expect(steps['after']?.state).toBe('done')
  })

  it('leaves nothing in the work tree of what failed inside something that is gone on from', async () => {
    const seen: string[][] = []
    const look = async (tree: Map<string, string>) => {
      seen.push([...tree.keys()])
      return { exitCode: 0 }
    }
    const { engine, id } = await begun(
      `
  - name: group
    type: parallel
    fail_fast: false
    max_concurrency: 1
    on_error: continue
    steps:
      - { name: bad, type: run, command: write half and fail }
      - { name: sees, type: run, command: look }
  - { name: after, type: run, command: look }`,
      { commands: { look } },
    )
    expect((await engine.run(id)).failure).toBeNull()
    expect(seen).toEqual([['README.md'], ['README.md']])
  })

  it('has its work tree as it was after a workflow that it uses has cleaned up', async () => {
    const seen: string[][] = []
    const look = async (tree: Map<string, string>) => {
      seen.push([...tree.keys()])
      return { exitCode: 0 }
    }
    const used = `name: used
description: d
version: "1.0.0"
steps: [ { name: b, type: run, command: write b } ]
post_execution: { always: [ { action: cleanup } ] }
`
    const { engine, id } = await begun(
      `
  - { name: a, type: run, command: write a }
  - { name: sub, type: workflow, uses: used }
  - { name: look, type: run, command: look }`,
      { commands: { look } },
      { uses: { used } },
    )
    expect((await engine.run(id)).failure).toBeNull()
    expect(seen).toEqual([['README.md', 'a', 'b']])
  })

  const bounded = (policy: string) =>
    workflowOf(
      '\n  - { name: hold, type: wait, seconds: 600 }',
      `concurrency: { key: "\${run.workflow} ${policy} ${Math.random()}", policy: ${policy} }`,
    )

  it('does not wait for a slot that was freed while it was about to', async () => {
    const engine = await engineUnderTest(database)
    const source = bounded('queue')
    const first = await engine.queueRun(source)
    await engine.advance(first)
    const second = await engine.queueRun(source)
    await engine.advance(second)
    await engine.lapse(second)
    const run = (await claimRun(database.db, second, 'slow', 5)) as Run
    await engine.stop(first)
    await engine.advance(first)
    const claim = { runId: second, epoch: run.epoch, owner: 'slow' }
    expect(await releaseRun(database.db, claim, 60)).toBe(false)
  })

  it.each(['one', 'cancel_running'])('does not begin once it has ended for want of the slot (%s)', async (policy) => {
    const engine = await engineUnderTest(database)
    const source = `${bounded(policy)}
post_execution: { on_failure: [{ name: later, type: wait, seconds: 600 }] }
`
    const ids = [await engine.queueRun(source), await engine.queueRun(source), await engine.queueRun(source)]
    const [first, second, third] = ids as [string, string, string]
    await engine.advance(first)
    if (policy === 'cancel_running') {
      for (const id of [second, third]) await engine.advance(id)
      // Stopped, and what follows its end waits: its slot is not free before that.
      await engine.advance(first)
      await engine.passTime(first, 600)
      await engine.advance(first)
    }
    await engine.lapse(second)
    await engine.advance(second)
    expect((await engine.steps(second))['@on_failure/later']?.state).toBe('running')
    for (const id of [first, third]) {
      await engine.stop(id)
      await engine.lapse(id)
      await engine.advance(id)
      await engine.passTime(id, 600)
      await engine.advance(id)
    }
    await engine.passTime(second, 600)
    await engine.advance(second)
    expect(await engine.run(second)).toMatchObject({ state: 'failed', failure: { code: 'conflict' } })
    expect((await engine.steps(second))['hold']).toBeUndefined()
  })

  it('has the slot when it came last, and is not stopped for one that came before it', async () => {
    const engine = await engineUnderTest(database)
    const source = bounded('cancel_running')
    const [first, second, third] = [
      await engine.queueRun(source),
      await engine.queueRun(source),
      await engine.queueRun(source),
    ]
    for (const id of [first, second, third]) await engine.advance(id)
    await engine.advance(first)
    expect((await engine.run(first)).state).toBe('stopped')
    await engine.lapse(third)
    await engine.advance(third)
    await engine.advance(second)
    expect(await engine.run(second)).toMatchObject({ state: 'failed', failure: { code: 'conflict' } })
    expect(await engine.run(third)).toMatchObject({ state: 'parked', stopRequestedBy: null })
  })

  it('leaves the slot to one that came later, though it was woken first', async () => {
    const engine = await engineUnderTest(database)
    const source = bounded('cancel_running')
    const [first, second, third] = [
      await engine.queueRun(source),
      await engine.queueRun(source),
      await engine.queueRun(source),
    ]
    const wake = async (): Promise<string> => {
      const job = engine.jobs.findLast(({ lane, afterSeconds }) => lane === 'advance-run' && afterSeconds === undefined)
      await engine.advance(job?.runId as string)
      return job?.runId as string
    }
    for (const id of [first, second, third]) await engine.advance(id)
    expect([await wake(), await wake(), await wake()]).toEqual([first, second, third])
    expect(await engine.run(second)).toMatchObject({ state: 'failed', failure: { code: 'conflict' } })
    expect((await engine.steps(second))['hold']).toBeUndefined()
    expect((await engine.steps(third))['hold']?.state).toBe('running')
  })

  it('counts a try once, also where the answer to its count was lost', async () => {
    const steps = workflowOf(`
  - { name: bad, type: run, command: fail, on_error: retry, retry: { count: 3, initial_seconds: 100, jitter: none } }`)
    for (let k = 1; ; k++) {
      const engine = await engineUnderTest(database)
      const id = await engine.queueRun(steps)
      const flaky = breakableDatabase(database, (query) => (query === k ? 'unanswered' : 'through'))
      await engine
        .worker(flaky)(id, never)
        .catch(() => undefined)
      await engine.lapse(id)
      await engine.advance(id)
      expect((await engine.steps(id))['bad']?.retries, `lost answer ${k}`).toEqual({ permanent: 1 })
      if (flaky.queries() < k) return
    }
  })

  it('tries again when it is due what waits for its next try beside others that work on', async () => {
    let tries = 0
    const once = async () => {
      tries += 1
      if (tries === 1) throw new JourneymanError('unavailable', 'Not now.')
      return {} as never
    }
    let done = false
    const long = async () => {
      for (let at = 0; at < 80 && tries < 2; at++) await sleep(100)
      done = true
      return { exitCode: tries < 2 ? 1 : 0 }
    }
    const engine = await engineUnderTest(database, { commands: { long }, settings: { heldWaitSeconds: 1 } })
    const { addComment } = engine.tracker.plugin
    engine.tracker.plugin.addComment = async (ref, body) => {
      await once()
      return addComment(ref, body)
    }
    const id = await engine.queueRun(
      workflowOf(`
  - name: group
    type: parallel
    steps:
      - { name: tell, plugin: task_management, action: add_comment, inputs: { comment: Hi }, on_error: retry, retry: { count: 2, initial_seconds: 3, max_seconds: 3, jitter: none } }
      - { name: long, type: run, command: long }`),
    )
    await engine.advance(id)
    expect(done).toBe(true)
    expect((await engine.run(id)).failure).toBeNull()
  })
})

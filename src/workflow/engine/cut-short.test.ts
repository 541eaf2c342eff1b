import { beforeAll, expect, it } from 'vitest'
import { breakableDatabase } from '../../../test/breakable-database.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { sleep } from '../../domain/clock.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { engineUnderTest, workflowOf } from './testing/engine-under-test.ts'

describeOnEachDatabase('what is cut short, and what is undone', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const begun = async (steps: string) => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(workflowOf(steps))
    await engine.advance(id)
    return { engine, id }
  }
  it('begins nothing behind a step that was cancelled, though that one may fail', async () => {
    const steps = workflowOf(`
  - name: each
    type: loop
    for_each: [1, 2]
    max_iterations: 2
    max_concurrency: 2
    steps:
      - { name: hangs, type: wait, seconds: 600, on_error: continue, condition: "\${loop.first}" }
      - { name: behind, type: system, action: set, inputs: { a: 1 } }
      - { name: more, type: system, action: set, inputs: { b: 1 } }
      - { name: most, type: system, action: set, inputs: { c: 1 } }
      - { name: bad, type: run, command: fail, condition: "\${loop.last}" }`)
    for (let k = 1; ; k++) {
      const engine = await engineUnderTest(database)
      const id = await engine.queueRun(steps)
      const died = await engine.dieAt(id, k)
      await engine.advance(id)
      expect((await engine.run(id)).state, `killed at query ${k}`).toBe('failed')
      const rows = await engine.steps(id)
      expect(rows['each[0]/behind']?.state, `killed at query ${k}`).toBeUndefined()
      if (!died) return
    }
  })

  it('finishes an undoing that has begun, though a stop was asked for meanwhile', async () => {
    const steps = workflowOf(`
  - { name: one, plugin: version_control, action: create_branch, inputs: { branch: a } }
  - { name: two, plugin: version_control, action: create_branch, inputs: { branch: b } }
  - { name: bad, type: run, command: fail, on_error: rollback }`)
    for (let k = 1; ; k++) {
      const engine = await engineUnderTest(database)
      const id = await engine.queueRun(steps)
      const died = await engine.dieAt(id, k)
      await engine.stop(id)
      await engine.advance(id)
      const rows = await engine.steps(id)
      const undone = ['one', 'two'].filter((name) => rows[`@rollback/${name}`]?.state === 'done')
      expect(undone.length, `killed at query ${k}`).toBeOneOf([0, 2])
      if (!died) return
    }
  })

  it('undoes what was sent by a worker that died before it could write so', async () => {
    const steps = workflowOf(`
  - name: group
    type: parallel
    steps:
      - { name: bad, type: run, command: late, on_error: rollback }
      - name: branch
        type: conditional
        condition: "true"
        then:
          - { name: first, type: system, action: set, inputs: { a: 1 } }
          - { name: ticket, plugin: task_management, action: create_task, inputs: { project: acme/shop, title: T } }`)
    for (let k = 12; ; k++) {
      let sending = false
      const inTheAir: Promise<unknown>[] = []
      const late = async () => {
        for (let at = 0; at < 20 && !sending; at++) await sleep(10)
        return { exitCode: 1 }
      }
      const engine = await engineUnderTest(database, { commands: { late } })
      const { createTask } = engine.tracker.plugin
      engine.tracker.plugin.createTask = (ref, task) => {
        sending = true
        const sent = sleep(60).then(() => createTask(ref, task))
        inTheAir.push(sent)
        return sent
      }
      const id = await engine.queueRun(steps)
      const died = await engine.dieAt(id, k)
      // A lease takes longer to lapse than a request to arrive.
      await Promise.all(inTheAir)
      await engine.advance(id)
      expect((await engine.run(id)).failure?.code, `killed at query ${k}`).toBe('command_failed')
      const left = [...engine.tracker.tasks.values()].filter(
        (task) => task.title === 'T' && task.status !== 'cancelled',
      )
      expect(left, `killed at query ${k}`).toEqual([])
      if (!died) return
    }
  })

  it('has what came after something that was undone inside a finished construct', async () => {
    const { engine, id } = await begun(`
  - name: outer
    type: conditional
    condition: "true"
    then:
      - name: group
        type: parallel
        on_error: continue
        max_concurrency: 1
        steps:
          - { name: inside, plugin: version_control, action: create_branch, inputs: { branch: b } }
          - { name: bad, type: run, command: fail, on_error: rollback }
      - { name: sets, type: system, action: set, inputs: { kept: yes } }
  - { name: pause, type: wait, seconds: 600 }
  - { name: after, type: system, action: set, inputs: { text: "\${kept}" } }`)
    await engine.passTime(id, 700)
    await engine.advance(id)
    expect((await engine.run(id)).failure).toBeNull()
    expect((await engine.steps(id))['@rollback/outer:then/group/inside']?.state).toBe('done')
  })

  it('undoes by the whole what an undoing inside was kept from', async () => {
    let refused = 0
    const late = async () => {
      for (let at = 0; at < 100 && refused === 0; at++) await sleep(50)
      return { exitCode: 1 }
    }
    const engine = await engineUnderTest(database, { commands: { late } })
    const { setStatus } = engine.tracker.plugin
    engine.tracker.plugin.setStatus = async (ref, status) => {
      if (status === 'cancelled' && ref.key !== '1') {
        refused += 1
        if (refused === 1) {
          await sleep(300)
          throw new JourneymanError('unavailable', 'Not now.')
        }
      }
      return setStatus(ref, status)
    }
    const id = await engine.queueRun(
      workflowOf(`
  - name: group
    type: parallel
    steps:
      - name: branch
        type: conditional
        condition: "true"
        on_error: continue
        then:
          - { name: ticket, plugin: task_management, action: create_task, inputs: { project: acme/shop, title: T } }
          - { name: bad, plugin: task_management, action: get_task, inputs: { task_id: "77" }, on_error: rollback }
      - { name: late, type: run, command: late, on_error: rollback }`),
    )
    await engine.advance(id)
    const rows = await engine.steps(id)
    expect((await engine.run(id)).state).toBe('failed')
    expect(rows['@rollback/group/branch:then/ticket']?.state).toBe('done')
  })

  it('sends nothing once it has been told to end, at whatever query that was', async () => {
    const steps = workflowOf(`
  - { name: tell, plugin: task_management, action: add_comment, inputs: { comment: Hi } }`)
    for (let k = 1; ; k++) {
      const engine = await engineUnderTest(database)
      const id = await engine.queueRun(steps)
      const ending = new AbortController()
      let sentBefore = 0
      const watched = breakableDatabase(database, (query) => {
        if (query === k) {
          sentBefore = engine.tracker.comments.length
          ending.abort()
        }
        return 'through'
      })
      await engine.worker(watched)(id, ending.signal)
      expect(engine.tracker.comments.length, `told at query ${k}`).toBe(ending.signal.aborted ? sentBefore : 1)
      await engine.advance(id)
      expect((await engine.run(id)).state).toBe('done')
      expect(engine.tracker.comments.length, `told at query ${k}`).toBe(1)
      if (!ending.signal.aborted) return
    }
  })

  it('undoes with what an undoing that names no branch would have been given then', async () => {
    const { engine, id } = await begun(`
  - name: each
    type: loop
    for_each: [a, b]
    max_iterations: 2
    steps:
      - { name: names, type: system, action: set, inputs: { branch: "\${item}" } }
      - name: told
        plugin: task_management
        action: add_comment
        inputs: { comment: Begun. }
        rollback: { plugin: version_control, action: delete_branch }
  - { name: bad, type: run, command: fail, on_error: rollback }`)
    const rows = await engine.steps(id)
    expect(rows['@rollback/each[0]/told']?.inputs).toMatchObject({ inputs: { branch: 'a' } })
    expect(rows['@rollback/each[1]/told']?.inputs).toMatchObject({ inputs: { branch: 'b' } })
  })
})

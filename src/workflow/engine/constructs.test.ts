import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { type EngineOptions, engineUnderTest, type RunOptions, workflowOf } from './testing/engine-under-test.ts'

const unavailable = () => {
  throw new JourneymanError('unavailable', 'The service did not answer.')
}

describeOnEachDatabase('the constructs', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const runOf = async (steps: string, rest = '', options: EngineOptions = {}, more: RunOptions = {}) => {
    const engine = await engineUnderTest(database, options)
    const id = await engine.queueRun(workflowOf(steps, rest), more)
    await engine.advance(id)
    return { ...engine, id, ended: await engine.run(id), rows: await engine.steps(id) }
  }
  const states = (rows: Awaited<ReturnType<typeof runOf>>['rows']) =>
    Object.fromEntries(
      Object.values(rows)
        .filter((row) => !row.address.startsWith('@'))
        .map((row) => [row.address, row.failure?.code ?? row.state]),
    )

  it('merges what branches set in the order of the file, and shows none what another sets', async () => {
    const { ended, rows } = await runOf(`
  - { name: before, type: system, action: set, inputs: { shared: 1 } }
  - name: group
    type: parallel
    steps:
      - { name: slow, type: run, command: nap, outputs: { exit_code: slow_code } }
      - { name: quick, type: system, action: set, inputs: { quick_sees: "\${shared}" } }
    outputs: { results: all, failed: none_failed }
  - { name: after, type: system, action: set, inputs: { text: "\${slow_code} \${quick_sees} \${all.slow.exit_code}" } }`)
    expect(ended.failure).toBeNull()
    expect(rows['after']?.result).toEqual({ text: '0 1 0' })
    expect(rows['group']?.result).toMatchObject({ failed: [], skipped: [] })
  })

  it('ends a group with its first failure: what is under way is cancelled, what was not begun never is', async () => {
    const { ended, rows } = await runOf(`
  - name: group
    type: parallel
    max_concurrency: 2
    steps:
      - { name: slow, type: loop, for_each: [1], max_iterations: 1, steps: [ { name: hangs, type: wait, seconds: 600 } ] }
      - { name: bad, type: run, command: fail }
      - { name: later, type: system, action: set, inputs: { a: 1 } }
  - { name: never, type: system, action: set, inputs: { a: 1 } }`)
    expect(ended.failure).toMatchObject({ code: 'command_failed' })
    expect(states(rows)).toEqual({
      group: 'command_failed',
      'group/slow': 'cancelled',
      'group/slow[0]/hangs': 'cancelled',
      'group/bad': 'command_failed',
      'group/later': 'skipped',
    })
  })

  it('lets a group without fail_fast come to its end, and names all that failed', async () => {
    const { ended, rows } = await runOf(`
  - name: group
    type: parallel
    fail_fast: false
    max_concurrency: 1
    steps:
      - { name: bad, type: run, command: fail }
      - { name: good, type: system, action: set, inputs: { a: 1 } }
      - { name: worse, type: run, command: fail }`)
    expect(ended.failure).toMatchObject({
      code: 'command_failed',
      message: expect.stringMatching(/^2 of 3 .*bad.*worse/),
    })
    expect(states(rows)).toMatchObject({ 'group/good': 'done', 'group/worse': 'command_failed' })
  })

  it('goes on after a group that may fail, with what its finished branches have set, by another worker too', async () => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(
      workflowOf(`
  - name: group
    type: parallel
    on_error: continue
    steps:
      - { name: good, type: system, action: set, inputs: { a: 1 } }
      - { name: bad, type: run, command: fail }
  - { name: pause, type: wait, seconds: 600 }
  - { name: after, type: system, action: set, inputs: { text: "\${a}" } }`),
    )
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('parked')
    await engine.passTime(id, 700)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
    expect((await engine.steps(id))['after']?.result).toEqual({ text: 1 })
  })

  it('has what steps inside have set, also after one that may fail, when another worker goes on', async () => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(
      workflowOf(`
  - name: choose
    type: conditional
    condition: "true"
    then:
      - { name: may_fail, type: run, command: fail, on_error: continue }
      - { name: inside, type: system, action: set, inputs: { a: 1 } }
  - { name: pause, type: wait, seconds: 600 }
  - { name: after, type: system, action: set, inputs: { text: "\${a}" } }`),
    )
    await engine.advance(id)
    await engine.passTime(id, 700)
    await engine.advance(id)
    expect((await engine.run(id)).failure).toBeNull()
    expect((await engine.steps(id))['after']?.result).toEqual({ text: 1 })
  })

  it('goes over a list one by one, each seeing what the one before has set', async () => {
    const { rows } = await runOf(`
  - { name: begin, type: system, action: set, inputs: { total: 0 } }
  - name: each
    type: loop
    for_each: "\${[3, 4, 5]}"
    as: number
    max_iterations: 5
    steps:
      - { name: add, type: system, action: set, inputs: { total: "\${total + number}", place: "\${loop.index} of \${loop.length}" } }
    outputs: { results: sums }
  - { name: after, type: system, action: set, inputs: { text: "\${total} \${sums[0].total} \${place}" } }`)
    expect(rows['after']?.result).toEqual({ text: '12 3 3 of 3' })
    expect(rows['each']?.result).toMatchObject({ iterations: 3 })
  })

  it('goes over several at once, each in a scope of its own, merged in the order of the items', async () => {
    const { rows } = await runOf(`
  - { name: begin, type: system, action: set, inputs: { total: 0 } }
  - name: each
    type: loop
    for_each: "\${ {'a': 1, 'b': 2, 'c': 3} }"
    max_iterations: 5
    max_concurrency: 3
    steps:
      - { name: add, type: system, action: set, inputs: { total: "\${total + item.value}", key: "\${item.key}" } }
  - { name: after, type: system, action: set, inputs: { text: "\${total} \${key}" } }`)
    expect(rows['after']?.result).toEqual({ text: '3 c' })
  })

  it('refuses more items than the loop may have, before the first', async () => {
    const { ended, rows } = await runOf(`
  - { name: each, type: loop, for_each: [1, 2, 3], max_iterations: 2, steps: [ { name: one, type: run, command: write a } ] }`)
    expect(ended.failure).toMatchObject({ code: 'limit_reached', message: expect.stringContaining('3 items') })
    expect(Object.keys(rows)).toEqual(['@start', 'each'])
  })

  it.skipIf(kind === 'pglite')('bounds loops in loops together', async () => {
    const hundred = `[${Array.from({ length: 120 }, (_, at) => at).join(', ')}]`
    const { ended } = await runOf(`
  - name: outer
    type: loop
    for_each: ${hundred}
    max_iterations: 120
    steps:
      - name: inner
        type: loop
        for_each: ${hundred}
        max_iterations: 120
        steps: [ { name: one, type: system, action: log, inputs: { message: x } } ]`)
    expect(ended.failure).toMatchObject({ code: 'limit_reached', message: expect.stringContaining('10,000') })
  })

  it('begins a step of a graph when what it needs has ended, and shows it what that has set', async () => {
    const { ended, rows } = await runOf(`
  - { name: last, type: system, action: set, inputs: { sum: "\${a + b}" }, needs: [left, right] }
  - { name: left, type: system, action: set, inputs: { a: 1 } }
  - { name: right, type: run, command: nap, outputs: { exit_code: b } }
  - { name: alone, type: system, action: set, inputs: { c: 3 } }`)
    expect(ended.failure).toBeNull()
    expect(rows['last']?.result).toEqual({ sum: 1 })
    expect(Object.keys(rows).indexOf('last')).toBe(4)
  })

  it('does not begin what needs a step that failed', async () => {
    const { ended, rows } = await runOf(`
  - { name: bad, type: run, command: fail }
  - { name: next, type: run, command: write a, needs: [bad] }`)
    expect(ended.failure).toMatchObject({ code: 'command_failed' })
    expect(rows['next']).toMatchObject({ state: 'skipped', reason: expect.stringContaining('bad') })
  })

  it('lets one step of a run at the work tree at a time', async () => {
    let inside = 0
    let most = 0
    const watched = async () => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setTimeout(resolve, 20))
      inside -= 1
      return { exitCode: 0 }
    }
    const { ended } = await runOf(
      `
  - name: group
    type: parallel
    steps: [ { name: a, type: run, command: watched }, { name: b, type: run, command: watched }, { name: c, type: run, command: watched } ]`,
      '',
      { commands: { watched } },
    )
    expect(ended.state).toBe('done')
    expect(most).toBe(1)
  })

  it('ends what is inside at the timeout of what is around, in whatever process it was begun', async () => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(
      workflowOf(`
  - name: group
    type: parallel
    steps:
      - name: each
        type: loop
        for_each: [1, 2]
        max_iterations: 2
        timeout: 100
        on_error: continue
        steps: [ { name: waits, type: wait, seconds: 500, on_error: retry } ]
      - { name: beside, type: wait, seconds: 200 }`),
    )
    await engine.advance(id)
    const parked = await engine.run(id)
    expect(parked.state).toBe('parked')
    expect((Number(parked.wakeAt) - Date.now()) / 1000).toBeLessThan(101)
    await engine.passTime(id, 150)
    await engine.advance(id)
    expect(states(await engine.steps(id))).toEqual({
      group: 'running',
      'group/each': 'timeout',
      'group/each[0]/waits': 'timeout',
      'group/beside': 'running',
    })
    await engine.passTime(id, 100)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
  })

  it('tries a construct again: what had failed in it, and not what was done', async () => {
    let tries = 0
    const flaky = async () => ({ exitCode: ++tries < 3 ? 1 : 0 })
    const { ended, rows } = await runOf(
      `
  - name: group
    type: parallel
    on_error: retry
    retry: { count: 3, initial_seconds: 0 }
    steps:
      - { name: good, type: run, command: write a }
      - { name: flaky, type: run, command: flaky }`,
      '',
      { commands: { flaky } },
    )
    expect(ended.failure).toBeNull()
    expect(rows['group']).toMatchObject({ state: 'done', attempts: 3, retries: { permanent: 2 } })
    expect(rows['group/good']?.attempts).toBe(1)
    expect(rows['group/flaky']?.attempts).toBe(3)
  })

  it('counts tries by their cause', async () => {
    let tries = 0
    const flaky = async () => {
      tries += 1
      if (tries <= 2) throw new JourneymanError('rate_limited', 'Too many.', { retryAfterMs: 1 })
      return tries === 3 ? unavailable() : { exitCode: 0 }
    }
    const { ended, rows } = await runOf(
      '\n  - { name: one, type: run, command: flaky, on_error: retry, retry: { count: 1, initial_seconds: 0 } }',
      '',
      { commands: { flaky } },
    )
    expect(ended.failure).toBeNull()
    expect(rows['one']).toMatchObject({ attempts: 4, retries: { rate_limited: 2, transient: 1 } })
  })

  it('undoes what was done, newest first, once each, and goes on past what cannot be undone', async () => {
    const { ended, rows, host } = await runOf(`
  - { name: branch_a, plugin: version_control, action: create_branch, inputs: { branch: a } }
  - name: each
    type: loop
    for_each: [b, c]
    max_iterations: 2
    steps: [ { name: branch, plugin: version_control, action: create_branch, inputs: { branch: "\${item}" } } ]
  - name: told
    plugin: task_management
    action: add_comment
    inputs: { comment: Begun. }
    rollback: { plugin: version_control, action: get_pull_request, inputs: { number: 99 } }
  - { name: bad, type: run, command: fail, on_error: rollback }`)
    expect(ended.failure).toMatchObject({ code: 'command_failed' })
    expect(Object.keys(rows).filter((address) => address.startsWith('@rollback'))).toEqual([
      '@rollback/told',
      '@rollback/each[1]/branch',
      '@rollback/each[0]/branch',
      '@rollback/branch_a',
    ])
    expect(rows['@rollback/told']).toMatchObject({ state: 'failed', failure: { code: 'not_found' } })
    expect(rows['@rollback/each[1]/branch']).toMatchObject({ state: 'done', inputs: { inputs: { branch: 'c' } } })
    expect(host.plugin).toBeDefined()
  })

  it('undoes only what is inside where the failure is to be gone on from', async () => {
    const { ended, rows } = await runOf(`
  - { name: outside, plugin: version_control, action: create_branch, inputs: { branch: a } }
  - name: group
    type: parallel
    on_error: continue
    max_concurrency: 1
    steps:
      - { name: inside, plugin: version_control, action: create_branch, inputs: { branch: b } }
      - { name: bad, type: run, command: fail, on_error: rollback }`)
    expect(ended.state).toBe('done')
    expect(Object.keys(rows).filter((address) => address.startsWith('@rollback'))).toEqual(['@rollback/group/inside'])
  })

  it('runs another workflow inside the run, with names of its own, and gives what it has set', async () => {
    const used = `name: used
inputs: { word: { type: string, required: true }, times: { type: number, default: 2 } }
variables: { loud: "\${word | upper}" }
prerequisites: [ { condition: "\${word}", error_message: No word. } ]
steps:
  - { name: say, type: system, action: set, inputs: { said: "\${loud} \${times}" } }
success_criteria: [ { condition: "\${said}" } ]
post_execution: { always: [ { action: log, inputs: { message: over } } ] }
`
    const { ended, rows } = await runOf(
      `
  - { name: sub, type: workflow, uses: used, inputs: { word: hello }, outputs: { said: answer } }
  - { name: after, type: system, action: set, inputs: { text: "\${answer}", other: "\${loud}" } }`,
      'variables: { loud: quiet }',
      {},
      { uses: { used } },
    )
    expect(ended.failure).toBeNull()
    expect(rows['after']?.result).toEqual({ text: 'HELLO 2', other: 'quiet' })
    expect(Object.keys(rows)).toEqual(['@start', 'sub', 'sub/say', 'sub/@always/log', 'after'])
  })

  it.each([
    ['{ }', /needs its input "word"/],
    ['{ word: 7 }', /must be a string/],
    ['{ word: a, other: b }', /no input "other"/],
  ])('refuses the inputs %s for a workflow that it uses', async (inputs, message) => {
    const used = 'name: used\ninputs: { word: { type: string, required: true } }\nsteps: [ { name: a, action: log } ]\n'
    const { ended } = await runOf(
      `\n  - { name: sub, type: workflow, uses: used, inputs: ${inputs} }`,
      '',
      {},
      { uses: { used } },
    )
    expect(ended.failure).toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) })
  })

  it('lets one run of a key work at a time: one, queue, cancel_running', async () => {
    const engine = await engineUnderTest(database)
    const with_ = (policy: string) =>
      workflowOf(
        '\n  - { name: hold, type: wait, seconds: 600 }',
        `concurrency: { key: "\${task_id}", policy: ${policy} }`,
      )
    const first = await engine.queueRun(with_('one'))
    await engine.advance(first)
    const second = await engine.queueRun(with_('one'))
    await engine.advance(second)
    expect(await engine.run(second)).toMatchObject({ state: 'failed', failure: { code: 'conflict' } })
    const third = await engine.queueRun(with_('queue'))
    await engine.advance(third)
    expect((await engine.run(third)).state).toBe('parked')
    const fourth = await engine.queueRun(with_('cancel_running'))
    await engine.advance(fourth)
    expect((await engine.run(first)).stopRequestedBy).toContain(fourth)
    await engine.advance(first)
    expect((await engine.run(first)).state).toBe('stopped')
    // The one that waited longest was woken by the end of the first.
    expect(engine.jobs.map((job) => job.runId)).toContain(third)
    await engine.advance(third)
    expect((await engine.steps(third))['hold']?.state).toBe('running')
  })
})

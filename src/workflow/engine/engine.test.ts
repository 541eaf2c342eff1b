import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { type EngineOptions, engineUnderTest, workflowOf } from './testing/engine-under-test.ts'

describeOnEachDatabase('the engine', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  /** One run of that workflow, by one worker, to where it is left. */
  const runOf = async (steps: string, rest = '', options: EngineOptions = {}) => {
    const engine = await engineUnderTest(database, options)
    const id = await engine.queueRun(workflowOf(steps, rest))
    await engine.advance(id)
    return { ...engine, id, ended: await engine.run(id), rows: await engine.steps(id) }
  }

  it('takes the way that the condition says, and skips what does not hold', async () => {
    const { ended, rows, workspaces, id } = await runOf(`
  - { name: ask, type: system, action: set, inputs: { small: true } }
  - name: choose
    type: conditional
    condition: "\${small}"
    then: [ { name: quick, type: run, command: write a } ]
    else: [ { name: slow, type: run, command: write b } ]
  - { name: never, type: run, command: write b, condition: "\${not small}" }`)
    expect(ended.state).toBe('done')
    expect(Object.keys(rows)).toEqual(['@start', 'ask', 'choose', 'choose:then/quick', 'never'])
    expect(rows['choose']?.result).toEqual({ taken: 'then' })
    expect(rows['never']).toMatchObject({ state: 'skipped', reason: expect.stringContaining('not small') })
    expect([...(workspaces.trees.get(id) ?? [])]).toEqual([
      ['README.md', 'Shop\n'],
      ['a', 'a'],
    ])
  })

  it('names results, also within objects that it makes', async () => {
    const { rows } = await runOf(`
  - { name: command, type: run, command: say hello, outputs: { output: said.by.the_shell, exit_code: code } }
  - { name: note, type: system, action: set, inputs: { text: "\${said.by.the_shell} \${code} \${steps.command.attempts}" } }`)
    expect(rows['note']?.result).toEqual({ text: 'hello 0 1' })
  })

  it('does not begin where a prerequisite does not hold', async () => {
    const { ended, rows } = await runOf(
      '\n  - { name: one, type: run, command: write a }',
      'prerequisites: [ { condition: "${task.status == \'done\'}", error_message: "It is ${task.status}." } ]\n',
    )
    expect(ended).toMatchObject({ state: 'failed', failure: { code: 'condition_failed', message: 'It is todo.' } })
    expect(Object.keys(rows)).toEqual(['@start'])
  })

  it('fails where a criterion of success is not met, and does what is to be done on failure and always', async () => {
    const { ended, rows, logged } = await runOf(
      '\n  - { name: one, type: system, action: set, inputs: { found: 1 } }',
      `success_criteria: [ { condition: "\${found == 2}", description: "Two are found" } ]
post_execution:
  on_success: [ { action: log_success } ]
  on_failure: [ { action: send_alert } ]
  always: [ { action: cleanup } ]
`,
    )
    expect(ended).toMatchObject({ state: 'failed', failure: { message: 'Not met: Two are found.' } })
    expect(Object.keys(rows)).toEqual(['@start', 'one', '@on_failure/send_alert', '@always/cleanup'])
    expect(logged.join('\n')).toContain('a run has failed')
  })

  it('fails with what a step fails with, and goes no further', async () => {
    const { ended, rows } = await runOf(`
  - { name: one, type: run, command: fail }
  - { name: two, type: run, command: write a }`)
    expect(ended).toMatchObject({ state: 'failed', failure: { code: 'command_failed' } })
    expect(Object.keys(rows)).toEqual(['@start', 'one'])
  })

  it('goes on after a step that may fail, without what it did to the work tree', async () => {
    const { ended, rows, workspaces, id } = await runOf(`
  - { name: first, type: run, command: write a }
  - { name: may_fail, type: run, command: write half and fail, on_error: continue }
  - { name: last, type: run, command: write b, condition: "\${steps.may_fail.status == 'failed'}" }`)
    expect(ended.state).toBe('done')
    expect(rows['may_fail']).toMatchObject({ state: 'failed', failure: { code: 'command_failed' } })
    expect([...(workspaces.trees.get(id)?.keys() ?? [])].sort()).toEqual(['README.md', 'a', 'b'])
  })

  it('tries again as often as it was told, each time from where the step began', async () => {
    const seen: string[][] = []
    const again = await runOf(
      `
  - { name: flaky, type: run, command: flaky, on_error: retry, retry: { count: 3, initial_seconds: 0.01, jitter: none } }`,
      '',
      {
        commands: {
          flaky: async (tree) => {
            seen.push([...tree.keys()])
            tree.set(`left-${seen.length}`, 'x')
            return { exitCode: seen.length < 3 ? 1 : 0 }
          },
        },
      },
    )
    expect(again.ended.state).toBe('done')
    expect(again.rows['flaky']).toMatchObject({ state: 'done', attempts: 3, failure: null })
    expect(seen).toEqual([['README.md'], ['README.md'], ['README.md']])
  })

  it('does not try again what will not be otherwise, nor more often than it was told', async () => {
    const policy = 'on_error: retry, retry: { count: 1, initial_seconds: 0.01, jitter: none }'
    const limited = await runOf(`\n  - { name: one, type: run, command: fail, ${policy} }`)
    expect(limited.rows['one']).toMatchObject({ state: 'failed', attempts: 2 })
    const defect = await runOf(`\n  - { name: one, type: run, command: explode, ${policy} }`)
    expect(defect.rows['one']).toMatchObject({ state: 'failed', attempts: 1, failure: { code: 'internal' } })
    expect(defect.logged.join('\n')).toContain('a step met a defect')
  })

  it('ends a step at its timeout, and one whose timeout is longer than any timer holds not at once', async () => {
    const { ended } = await runOf('\n  - { name: slow, type: run, command: hang, timeout: 0.05 }')
    expect(ended.failure).toMatchObject({ code: 'timeout', message: '"slow" did not end within its 0.05 seconds.' })
    const patient = await runOf('\n  - { name: slow, type: run, command: nap, timeout: 2592000 }')
    expect(patient.ended.state).toBe('done')
  })

  it('holds no worker and no job while it waits for long', async () => {
    const busy = () => {
      throw new JourneymanError('rate_limited', 'Too many.', { retryAfterMs: 86_400_000 })
    }
    const engine = await engineUnderTest(database, { commands: { busy } })
    const steps = '\n  - { name: one, type: run, command: busy, on_error: retry, retry_count: 2 }'
    const id = await engine.queueRun(workflowOf(steps), { deadlineSeconds: 600 })
    await engine.advance(id)
    expect(await engine.run(id)).toMatchObject({ state: 'parked', claims: 0 })
    // No job sleeps for a day: the reaper finds the time that has come.
    expect(engine.jobs).toEqual([])
    expect(Number((await engine.run(id)).wakeAt) - Date.now()).toBeGreaterThan(86_000_000)
    expect(engine.workspaces.openCount()).toBe(0)
  })

  it('keeps what a database would not take as it is', async () => {
    const { ended, rows } = await runOf(
      '\n  - { name: odd, type: run, command: odd, outputs: { output: said } }\n  - { name: note, type: system, action: set, inputs: { text: "${said}" } }',
      '',
      { commands: { odd: async () => ({ exitCode: 0, output: 'nul \0 half \ud83d whole 😀 \\u0000' }) } },
    )
    expect(ended.failure).toBeNull()
    expect(rows['note']?.result).toEqual({ text: 'nul \ufffd half \ufffd whole 😀 \\u0000' })
  })
})

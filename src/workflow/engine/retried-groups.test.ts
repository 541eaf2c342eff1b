import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { parsePinned, usedKey } from '../language/pinned.ts'
import { replayRun } from '../replay/replay-run.ts'
import { type EngineOptions, engineUnderTest, type RunOptions, workflowOf } from './testing/engine-under-test.ts'

const again = 'on_error: retry, retry: { count: 2, initial_seconds: 0.001, jitter: none }'
const inLines = (spaces: number): string => again.replace(', ', `\n${' '.repeat(spaces)}`)

describeOnEachDatabase('a group that is tried again', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const begun = async (steps: string, options: EngineOptions = {}, more: RunOptions & { rest?: string } = {}) => {
    const engine = await engineUnderTest(database, options)
    const source = workflowOf(steps, more.rest)
    const id = await engine.queueRun(source, more)
    await engine.advance(id)
    const rows = await engine.steps(id)
    const run = await engine.run(id)
    const used = Object.fromEntries(Object.entries(more.uses ?? {}).map(([name, text]) => [usedKey(name), text]))
    const { differences } = await replayRun({
      run,
      rows: Object.values(rows),
      definition: parsePinned(source, used),
      prompts: used,
    })
    return { engine, id, rows, run, differences }
  }
  const failingFirst = (times: number) => {
    let tries = 0
    return async () => ({ exitCode: tries++ < times ? 1 : 0 })
  }

  it('begins with what there was before its first try, whichever worker tries it again', async () => {
    const { rows, run, differences } = await begun(
      `
  - name: group
    type: parallel
    max_concurrency: 1
    ${inLines(4)}
    steps:
      - { name: sets, type: system, action: set, inputs: { x: set } }
      - { name: looks, type: run, command: "say \${x | default('nothing')}" }`,
      { commands: { 'say nothing': failingFirst(1), 'say set': async () => ({ exitCode: 0 }) } },
    )
    expect(run.failure).toBeNull()
    expect(rows['group/looks']?.inputs).toEqual({ command: 'say nothing' })
    expect(differences).toEqual([])
  })

  it('sees nothing of what a step after it has set in the try before', async () => {
    const { rows, run, differences } = await begun(
      `
  - name: group
    type: conditional
    condition: "true"
    ${inLines(4)}
    then:
      - { name: optional, type: run, on_error: continue, command: "say \${x | default('nothing')}" }
      - { name: sets, type: system, action: set, inputs: { x: set } }
      - { name: once, type: run, command: once }`,
      {
        commands: {
          'say nothing': failingFirst(1),
          'say set': async () => ({ exitCode: 0 }),
          once: failingFirst(1),
        },
      },
    )
    expect(run.failure).toBeNull()
    expect(rows['group:then/optional']?.inputs).toEqual({ command: 'say nothing' })
    expect(differences).toEqual([])
  })

  it.each(['whoever', 'another that goes on'])('sees in `steps` nothing that is after it (%s)', async (worker) => {
    const seen = "${steps.sets.status | default('nothing')}"
    let calls = 0
    const sayNothing = async () => {
      calls += 1
      if (calls === 2 && worker !== 'whoever') throw new JourneymanError('stale_epoch', 'This worker is gone.')
      return { exitCode: calls === 1 ? 1 : 0 }
    }
    const steps = `
  - name: group
    type: conditional
    condition: "true"
    ${inLines(4)}
    then:
      - { name: optional, type: run, on_error: continue, command: "say ${seen}" }
      - { name: sets, type: system, action: set, inputs: { x: set } }
      - { name: looks, type: run, on_error: continue, command: "say ${seen}" }
      - { name: once, type: run, command: once }
  - { name: after, type: system, action: set, inputs: { seen: "${seen}" } }`
    const engine = await engineUnderTest(database, {
      commands: { 'say nothing': sayNothing, 'say done': failingFirst(1), once: failingFirst(1) },
    })
    const id = await engine.queueRun(workflowOf(steps))
    await engine.advance(id)
    await engine.lapse(id)
    await engine.advance(id)
    const [run, rows] = [await engine.run(id), await engine.steps(id)]
    expect(run).toMatchObject({ state: 'done', failure: null })
    expect(calls).toBe(worker === 'whoever' ? 2 : 3)
    expect(rows['group:then/optional']?.inputs).toEqual({ command: 'say nothing' })
    expect(rows['group:then/looks']?.inputs).toEqual({ command: 'say done' })
    expect(rows['after']?.result).toEqual({ seen: 'done' })
    const definition = parsePinned(workflowOf(steps), {})
    const replayed = await replayRun({ run, rows: Object.values(rows), definition, prompts: {} })
    expect(replayed.differences).toEqual([])
  })

  it('sees no variable that was worked out from what the try before had set', async () => {
    const { rows, run, differences } = await begun(
      `
  - name: outer
    type: parallel
    steps:
      - name: group
        type: conditional
        condition: "true"
        ${inLines(8)}
        then:
          - name: optional
            type: conditional
            condition: "true"
            on_error: continue
            then: [ { name: flaky, type: run, command: flaky }, { name: looks, type: run, command: "say \${v}" } ]
          - { name: sets, type: system, action: set, inputs: { x: set } }
          - { name: uses, type: run, command: "say \${v}" }
          - { name: once, type: run, command: once }`,
      {
        commands: {
          'say nothing': async () => ({ exitCode: 0 }),
          'say set': async () => ({ exitCode: 0 }),
          flaky: failingFirst(1),
          once: failingFirst(1),
        },
      },
      { rest: `variables: { v: "\${x | default('nothing')}" }\n` },
    )
    expect(run.failure).toBeNull()
    expect(rows['outer/group:then/uses']?.inputs).toEqual({ command: 'say set' })
    expect(rows['outer/group:then/optional:then/looks']?.inputs).toEqual({ command: 'say nothing' })
    expect(differences).toEqual([])
  })

  it('is replayed try by try: what would be another input is found in whichever try the step was done', async () => {
    const steps = `
  - name: group
    type: conditional
    condition: "true"
    ${inLines(4)}
    then:
      - { name: optional, type: run, on_error: continue, command: "say \${x | default('nothing')}" }
      - { name: late, type: conditional, condition: "true", on_error: continue, then: [ { name: flaky, type: run, command: flaky }, { name: sets, type: system, action: set, inputs: { x: set } } ] }
      - { name: uses, type: run, command: "say \${x | default('nothing')}" }
      - { name: once, type: run, command: once }
      - { name: last, type: run, command: "say \${x}" }`
    const { rows, run, differences } = await begun(steps, {
      commands: {
        'say nothing': async () => ({ exitCode: 0 }),
        'say set': async () => ({ exitCode: 0 }),
        flaky: failingFirst(1),
        once: failingFirst(1),
      },
    })
    expect(run.failure).toBeNull()
    // The first try came here before anything was set; what was done then stays.
    expect(rows['group:then/uses']?.inputs).toEqual({ command: 'say nothing' })
    expect(rows['group:then/last']?.inputs).toEqual({ command: 'say set' })
    expect(differences).toEqual([])
    const by = async (text: string, kept = rows) => {
      const definition = parsePinned(workflowOf(text), {})
      const replayed = await replayRun({ run, rows: Object.values(kept), definition, prompts: {} })
      return replayed.differences.map(({ address, what, was, is }) => ({ address, what, was, is }))
    }
    const changed = { address: 'group:then/uses', what: 'inputs', was: { command: 'say nothing' } }
    expect(
      await by(steps.replace('name: uses, type: run, command: "say', 'name: uses, type: run, command: "tell')),
    ).toEqual([{ ...changed, is: { command: 'tell nothing' } }])
    const uses = { ...rows['group:then/uses']!, inputs: { command: 'say set' } }
    expect(await by(steps, { ...rows, 'group:then/uses': uses })).toEqual([
      { ...changed, was: { command: 'say set' }, is: { command: 'say nothing' } },
    ])
  })

  it('leaves alone what was undone inside it', async () => {
    const { rows, run } = await begun(
      `
  - name: group
    type: parallel
    max_concurrency: 1
    ${inLines(4)}
    steps:
      - name: inside
        type: loop
        for_each: [1]
        max_iterations: 1
        on_error: continue
        steps:
          - { name: branch, plugin: version_control, action: create_branch, inputs: { branch: made } }
          - { name: flaky, type: run, command: flaky, on_error: rollback }
      - { name: once, type: run, command: once }`,
      { commands: { flaky: failingFirst(1), once: failingFirst(1) } },
    )
    expect(run.failure).toBeNull()
    const undone = rows['@rollback/group/inside[0]/branch']
    expect(undone?.state).toBe('done')
    // It would be done, without what it was made of.
    expect(rows['group/inside']?.state).toBe('failed')
  })

  it('waits out a rate limit once, and not once for each that it is in', async () => {
    let calls = 0
    const limited = async () => {
      calls += 1
      throw new JourneymanError('rate_limited', 'Slow down.', { retryAfterMs: 1 })
    }
    const { run } = await begun(
      `
  - name: group
    type: parallel
    steps:
      - name: inside
        type: loop
        for_each: [1]
        max_iterations: 1
        steps: [ { name: limited, type: run, command: limited } ]`,
      { commands: { limited } },
    )
    expect(run.failure?.code).toBe('rate_limited')
    expect(calls).toBe(11)
  })

  it('runs what a used workflow does after its end after its new end', async () => {
    const used = `name: used
description: d
version: "1.0.0"
steps: [ { name: once, type: run, command: once } ]
post_execution:
  always:
    - name: group
      type: parallel
      max_concurrency: 1
      ${inLines(6)}
      steps: [ { name: tidy, type: run, command: tidy }, { name: flaky, type: run, command: flaky } ]
  on_failure: [ { name: cry, type: run, command: cry } ]
`
    const calls: string[] = []
    const told = (name: string) => async () => {
      calls.push(name)
      return { exitCode: 0 }
    }
    const { run } = await begun(
      `
  - { name: sub, type: workflow, uses: used, ${again} }`,
      { commands: { once: failingFirst(2), flaky: failingFirst(1), tidy: told('tidy'), cry: told('cry') } },
      { uses: { used } },
    )
    expect(run.failure).toBeNull()
    expect(calls).toEqual(['cry', 'tidy', 'cry', 'tidy', 'tidy'])
  })
})

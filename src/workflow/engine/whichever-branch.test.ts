import { beforeAll, describe, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { parsePinned, usedKey } from '../language/pinned.ts'
import { replayRun } from '../replay/replay-run.ts'
import { engineUnderTest, workflowOf } from './testing/engine-under-test.ts'
import { orderedTracker } from './testing/ordered-tracker.ts'

const tell = (name: string, after: string | null) =>
  `{ name: ${name}, plugin: task_management, action: add_comment, inputs: { comment: "${after ? `after ${after}` : 'at once'}" } }`
const set = (name: string, value: string, step = `set_${name}`) =>
  `{ name: ${step}, type: system, action: set, inputs: { ${name}: ${JSON.stringify(value)} } }`
/** A branch of several steps. */
const branch = (name: string, ...steps: string[]) =>
  `{ name: ${name}, type: conditional, condition: "true", then: [ ${steps.join(', ')} ] }`
const group = (...branches: string[]) =>
  `\n  - { name: group, type: parallel, fail_fast: false, steps: [ ${branches.join(', ')} ] }`
const step = (text: string) => `\n  - ${text}`
const late = 'variables: { v: "${x | default(\'nothing\')}" }\n'

describeOnEachDatabase('whichever branch is quicker', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  /** Parks are waited out by another worker each time. */
  const play = async (steps: string, rest = '', uses: Record<string, string> = {}) => {
    let id = ''
    const engine = await engineUnderTest(database)
    const tracker = orderedTracker(engine.tracker.plugin, engine.steps, () => id)
    const source = workflowOf(steps, rest)
    id = await engine.queueRun(source, { uses })
    for (let round = 0; round < 5; round++) {
      await engine.worker(database, undefined, { taskManagement: tracker })(id, new AbortController().signal)
      if ((await engine.run(id)).state !== 'parked') break
      await engine.passTime(id, 700)
    }
    const [run, rows] = [await engine.run(id), await engine.steps(id)]
    expect(run.failure).toBeNull()
    const prompts = Object.fromEntries(Object.entries(uses).map(([name, text]) => [usedKey(name), text]))
    const replayed = await replayRun({
      run,
      rows: Object.values(rows),
      definition: parsePinned(source, prompts),
      prompts,
    })
    expect(replayed.differences).toEqual([])
    const given = Object.values(rows).filter((row) => row.name.startsWith('set_'))
    return Object.fromEntries(given.map((row) => [row.address, row.result]))
  }

  describe.each(['a', 'b'])('where %s is', (quick) => {
    const afterB = quick === 'a' ? null : 'group/b'
    const afterA = quick === 'b' ? null : 'group/a'

    it('a variable is worked out from what its own branch has set, and stands as it was before the group', async () => {
      const given = await play(
        group(
          branch('a', tell('wait_a', afterB), set('x', '1'), set('a', '${v}')),
          branch('b', tell('wait_b', afterA), set('b', '${v}')),
        ) + step(set('after', '${x} ${v}')),
        late,
      )
      expect(given).toMatchObject({
        'group/a:then/set_a': { a: '1' },
        'group/b:then/set_b': { b: 'nothing' },
        set_after: { after: '1 nothing' },
      })
    })

    it('a variable that only branches with values of their own have used is worked out anew', async () => {
      const given = await play(
        group(
          branch('a', tell('wait_a', afterB), set('x', '1'), set('a', '${v}')),
          branch('b', tell('wait_b', afterA), set('b', 'nothing')),
        ) + step(set('after', '${v}')),
        late,
      )
      expect(given).toMatchObject({ 'group/a:then/set_a': { a: '1' }, set_after: { after: '1' } })
    })

    it('`steps` has what was there before, and the branch itself', async () => {
      const seen =
        "${steps.first.status} ${steps.a.status | default('-')} ${steps.b.status | default('-')} ${steps.in_a.status | default('-')}"
      const given = await play(
        step('{ name: first, action: log, inputs: { message: hello } }') +
          group(
            branch('a', tell('wait_a', afterB), '{ name: in_a, action: log }', set('a', seen)),
            branch('b', tell('wait_b', afterA), set('b', seen)),
          ) +
          step(set('after', seen)),
      )
      expect(given).toMatchObject({
        'group/a:then/set_a': { a: 'done running - done' },
        'group/b:then/set_b': { b: 'done - running -' },
        set_after: { after: 'done done done done' },
      })
    })

    it('a variable that needs `steps` is worked out in each branch, and anew after the group', async () => {
      const given = await play(
        group(
          branch('a', tell('wait_a', afterB), set('a', '${v}')),
          branch('b', tell('wait_b', afterA), set('b', '${v}')),
        ) + step(set('after', '${v}')),
        'variables: { v: "${steps.a.status | default(\'-\')}" }\n',
      )
      expect(given).toMatchObject({
        'group/a:then/set_a': { a: 'running' },
        'group/b:then/set_b': { b: '-' },
        set_after: { after: 'done' },
      })
    })

    it('an iteration at once with others sees its own steps alone, and the last item is seen afterwards', async () => {
      const at = (index: number, after: string | null) =>
        after === null ? '' : `\${'after ${after}' if item == ${index} else 'at once'}`
      const comment = quick === 'a' ? at(1, 'each[0]/set_o') : at(0, 'each[1]/set_o')
      const given = await play(
        step(
          `{ name: each, type: loop, for_each: [0, 1], max_iterations: 2, max_concurrency: 2, steps: [
            { name: wait_each, plugin: task_management, action: add_comment, inputs: { comment: "${comment}" } },
            ${set('o', "${steps.own.result.own | default('-')}")},
            { name: own, type: system, action: set, inputs: { own: "\${item}" } } ] }`,
        ) + step(set('after', '${steps.own.result.own} ${own}')),
      )
      expect(given).toMatchObject({
        'each[0]/set_o': { o: '-' },
        'each[1]/set_o': { o: '-' },
        set_after: { after: '1 1' },
      })
    })

    it('a step of a graph sees what it needs, also what a variable was worked out to there', async () => {
      const given = await play(
        step(tell('a', quick === 'a' ? null : 'b')) +
          step(tell('b', quick === 'b' ? null : 'a')) +
          step(`{ name: set_c, type: system, action: set, inputs: { c: "\${v} \${steps.a.status}" }, needs: [a] }`) +
          step(`{ name: set_x, type: system, action: set, inputs: { x: 1 }, needs: [set_c] }`) +
          step(
            `{ name: set_d, type: system, action: set, inputs: { d: "\${v} \${steps.b.status | default('-')}" }, needs: [set_x] }`,
          ) +
          step(
            `{ name: set_e, type: system, action: set, inputs: { e: "\${steps.a.status | default('-')} \${v}" }, needs: [b] }`,
          ),
        late,
      )
      expect(given).toMatchObject({
        set_c: { c: 'nothing done' },
        set_d: { d: 'nothing -' },
        set_e: { e: '- nothing' },
      })
    })
  })

  it('a used workflow and what uses it have steps of their own, also where names are the same', async () => {
    const used = `name: sub\ndescription: d\nversion: "1.0.0"\nsteps:\n  - ${set('same', 'inside', 'same')}\n  - ${set('in', '${steps.same.result.same}')}`
    const given = await play(
      step(set('same', 'outside', 'same')) +
        step('{ name: sub, type: workflow, uses: sub }') +
        step(set('after', "${steps.same.result.same} ${steps.set_in.status | default('-')}")),
      '',
      { sub: used },
    )
    expect(given).toMatchObject({ 'sub/set_in': { in: 'inside' }, set_after: { after: 'outside -' } })
  })

  describe('and whichever worker goes on', () => {
    const pause = '{ name: pause, type: wait, seconds: 600 }'

    it('what another branch had worked out before is not known to one that sets what it is made of', async () => {
      const given = await play(
        group(branch('a', set('a', '${v}')), branch('b', pause, set('x', '1'), set('b', '${v}'))) +
          step(set('after', '${v}')),
        late,
      )
      expect(given).toMatchObject({
        'group/a:then/set_a': { a: 'nothing' },
        'group/b:then/set_b': { b: '1' },
        set_after: { after: 'nothing' },
      })
    })

    it.each([
      ['of the run', (...steps: string[]) => steps.map(step).join('')],
      ['of a branch', (...steps: string[]) => group(branch('a', ...steps))],
    ])('what the condition of a step %s that waits was made of is worked out once', async (_where, list) => {
      const asks = `{ name: waits, type: wait, seconds: 600, condition: "\${v == 'nothing'}" }`
      const given = await play(list(asks, set('x', '1'), set('b', '${v}')), late)
      expect(Object.values(given)).toContainEqual({ b: 'nothing' })
    })

    it('what a question showed stands, also when the run is gone through again', async () => {
      const asks = '{ name: asks, type: approval, shows: "${v}", timeout: 600, on_timeout: approve }'
      const given = await play(step(asks) + step(set('x', '1')) + step(set('b', '${v}')), late)
      expect(given).toMatchObject({ set_b: { b: 'nothing' } })
    })

    it('what a loop inside an iteration was given is worked out once', async () => {
      const given = await play(
        step(
          `{ name: outer, type: loop, for_each: [1], max_iterations: 1, as: one, steps: [
            { name: inner, type: loop, for_each: "\${v}", max_iterations: 2, steps: [
              { name: set_at, type: system, action: set, inputs: { at: "\${v | length}" } },
              ${set('x', '${[9]}')},
              ${pause} ] } ] }`,
        ),
        'variables: { v: "${x | default([one, 2])}" }\n',
      )
      expect(given).toMatchObject({ 'outer[0]/inner[0]/set_at': { at: 2 }, 'outer[0]/inner[1]/set_at': { at: 2 } })
    })

    it('two variables that were worked out in one step are both kept', async () => {
      const given = await play(
        step(
          `{ name: each, type: loop, for_each: [1], max_iterations: 1, steps: [
            ${set('y', '1')},
            { name: inner, type: loop, condition: "\${first}", for_each: "\${second}", max_iterations: 2, steps: [
              ${pause} , ${set('y', '2')}, { name: set_seen, type: system, action: set, inputs: { seen: "\${first} \${second[0]}" } } ] } ] }`,
        ),
        'variables: { first: "${y}", second: "${[y]}" }\n',
      )
      expect(given).toMatchObject({ 'each[0]/inner[0]/set_seen': { seen: '1 1' } })
    })
  })

  it('of eleven items the eleventh is the last, however late the third is', async () => {
    const comment = "${'after each[10]/set_o' if item == 2 else 'at once'}"
    const given = await play(
      step(
        `{ name: each, type: loop, for_each: "\${range(0, 11)}", max_iterations: 11, max_concurrency: 11, steps: [
          { name: tell, plugin: task_management, action: add_comment, inputs: { comment: "${comment}" } }, ${set('o', '${item}')} ] }`,
      ) + step(set('after', '${steps.set_o.result.o}')),
    )
    expect(given['set_after']).toEqual({ after: 10 })
  })

  it('in a loop that goes one by one, a branch sees what the iteration before has come to', async () => {
    const seen = "${steps.set_b.result.b | default('-')}"
    const given = await play(
      step(
        `{ name: each, type: loop, for_each: [1, 2], max_iterations: 2, steps: [
          { name: in_group, type: parallel, steps: [ ${set('a', seen)}, ${set('b', '${item}')} ] },
          { name: at_once, type: loop, for_each: [1, 2], max_iterations: 2, max_concurrency: 2, as: inner, steps: [
            { name: in_both, type: parallel, steps: [ ${set('d', "${steps.set_e.result.e | default('-')}")}, ${set('e', '${item}')} ] } ] },
          { name: in_graph, type: conditional, condition: "true", then: [
            ${set('f', "${steps.set_g.result.g | default('-')}")},
            { name: set_g, action: set, inputs: { g: "\${item}" }, needs: [set_f] } ] } ] }`,
      ),
    )
    expect(given).toMatchObject({
      'each[0]/in_group/set_a': { a: '-' },
      'each[1]/in_group/set_a': { a: 1 },
      'each[0]/at_once[1]/in_both/set_d': { d: '-' },
      'each[1]/at_once[0]/in_both/set_d': { d: 1 },
      'each[0]/in_graph:then/set_f': { f: '-' },
      'each[1]/in_graph:then/set_f': { f: 1 },
    })
  })

  it('a group that is tried again does not know what its other branches had come to', async () => {
    let tries = 0
    const steps = `
  - name: group
    type: parallel
    fail_fast: false
    on_error: retry
    retry: { count: 1, initial_seconds: 0, jitter: none }
    steps:
      - ${set('a', '${v}')}
      - { name: b, type: conditional, condition: "true", then: [ { name: flaky, command: flaky }, ${set('x', '1')}, ${set('b', '${v}')} ] }`
    const engine = await engineUnderTest(database, {
      commands: {
        flaky: async () => {
          tries += 1
          return { exitCode: tries === 1 ? 1 : 0 }
        },
      },
    })
    const id = await engine.queueRun(workflowOf(steps, late))
    await engine.advance(id)
    const rows = await engine.steps(id)
    expect([rows['group/set_a']?.result, rows['group/b:then/set_b']?.result]).toEqual([{ a: 'nothing' }, { b: '1' }])
  })
})

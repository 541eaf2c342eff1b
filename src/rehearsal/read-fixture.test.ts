import { describe, expect, it } from 'vitest'
import { parseWorkflow } from '../workflow/language/parse-workflow.ts'
import { readFixture } from './read-fixture.ts'

const workflow = `name: mend
on:
  - event: issue.labeled
    label: urgent
  - command: run
steps:
  - { name: write_code, type: ai_action, prompt: "Mend it", outputs: { implementation: work } }
  - { name: ask, type: approval, shows: it }
`
const { definition } = parseWorkflow(workflow, 'mend.yaml')
if (definition === null) throw new Error('The workflow of this test is wrong.')
const read = (text: string) => readFixture(text, 'mend.test.yaml', definition)
const told = (text: string) =>
  read(text).problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`)

describe('a case', () => {
  it('begins with the first trigger of the workflow, by the first of the people', () => {
    const [first] = read('tests: [ { name: a } ]').cases
    expect(first?.start).toEqual({ event: 'issue.labeled', label: 'urgent' })
    expect(first?.people).toEqual({ alice: 'write' })
  })

  it('says in a word what is special in it', () => {
    const { cases, problems } = read(`
defaults: { people: { bob: read } }
tests:
  - { name: said, event: "/ai run mend" }
  - { name: another label, event: { event: issue.labeled, label: later, by: bob } }
  - { name: answers, answers: { ask: [ reject, { approve: Fine. } ] } }
`)
    expect(problems).toEqual([])
    expect(cases.map((each) => each.start)).toEqual([
      { comment: '/ai run mend' },
      { event: 'issue.labeled', label: 'later', by: 'bob' },
      { event: 'issue.labeled', label: 'urgent' },
    ])
    expect(cases[2]?.answers).toEqual({ ask: [{ reject: true }, { approve: 'Fine.' }] })
  })
})

it('knows the places inside what holds steps, and inside what is used', () => {
  const parsed = (text: string) => parseWorkflow(text, 'x.yaml').definition as NonNullable<typeof definition>
  const used = parsed(
    'name: used\nsteps: [ { name: look, action: log } ]\npost_execution: { always: [ { name: bye, action: log } ] }\n',
  )
  const outer = parsed(`name: outer
on: [ { event: issue.labeled } ]
steps:
  - name: choose
    type: conditional
    condition: "true"
    then: [ { name: each, type: loop, for_each: [1], max_iterations: 1, steps: [ { name: sub, type: workflow, uses: used } ] } ]
`)
  const problemsOf = (address: string) =>
    readFixture(`tests: [ { name: a, expect: { steps: { "${address}": absent } } } ]`, 'x.test.yaml', outer, [used])
      .problems
  const inside = 'choose:then/each[0]/sub'
  for (const address of [
    'look',
    'sub',
    inside,
    `${inside}/look`,
    `${inside}/@always/bye`,
    `@rollback/${inside}/look`,
    '@start',
  ])
    expect(problemsOf(address), address).toEqual([])
  for (const address of [
    'choose/each',
    'choose:else/each',
    'choose:then/each/sub',
    `${inside}/@on_failure/bye`,
    'each[0]',
    'used/look',
  ])
    expect(problemsOf(address), address).toHaveLength(1)
})

describe('a mistake is told with its place and what was meant', () => {
  it.each([
    ['tests:\n  - name: a\n    evnt: x', '3:5 tests.0.evnt: There is no key `evnt` here. Did you mean `event`?'],
    [
      'tests:\n  - name: a\n    expect: { stat: done }',
      '3:15 tests.0.expect.stat: There is no key `stat` here. Did you mean `state`?',
    ],
    [
      'tests:\n  - name: a\n    model: [ { wrte: { a: b } } ]',
      '3:16 tests.0.model.0.wrte: There is no key `wrte` here. Did you mean `write`?',
    ],
    [
      'tests:\n  - name: a\n    answers: { asc: approve }',
      '3:21 tests.0.answers.asc: The workflow has no step `asc`. Did you mean `ask`?',
    ],
    [
      'tests:\n  - name: a\n    expect: { steps: { write_cod: done } }',
      '3:35 tests.0.expect.steps.write_cod: The workflow has no step `write_cod`. Did you mean `write_code`?',
    ],
    [
      'tests:\n  - name: a\n    later: [ { comment: x, by: alise } ]',
      '3:32 tests.0.later.0.by: `alise` is not among `people`. Did you mean `alice`?',
    ],
    [
      'tests:\n  - name: a\n    expect: { steps: { "gruop/ask": absent } }',
      '3:37 tests.0.expect.steps.gruop/ask: There is a step `ask`, but none at `gruop/ask`.',
    ],
    [
      'tests:\n  - name: a\n    expect: { steps: { "@rolback/ask": absent } }',
      '3:40 tests.0.expect.steps.@rolback/ask: There is a step `ask`, but none at `@rolback/ask`.',
    ],
    [
      'tests:\n  - name: a\n    expect: { variables: { worc.title: null } }',
      '3:40 tests.0.expect.variables.worc.title: The workflow sets no variable `worc`. Did you mean `work`?',
    ],
    [
      'tests:\n  - name: a\n    expect: { effects: { coment: 0 } }',
      '3:34 tests.0.expect.effects.coment: There is no kind of effect `coment`. Did you mean `comment`?',
    ],
    ['tests:\n  - name: a\n  - name: a', '3:11 tests.1.name: There is a test "a" already.'],
    ['tests: []', '1:8 tests: `tests` does not fit: Too small: expected array to have >=1 items.'],
    ['tests: [', '1:9 : Flow sequence in block collection must be sufficiently indented and end with a ].'],
  ])('%j', (text, sentence) => {
    expect(told(text)).toEqual([sentence])
  })

  it('says so when nothing would start the workflow', () => {
    const { definition: bare } = parseWorkflow('name: bare\nsteps: [ { name: a, action: log } ]\n', 'bare.yaml')
    if (bare === null) throw new Error('The workflow of this test is wrong.')
    const { problems } = readFixture('tests: [ { name: a } ]', 'bare.test.yaml', bare)
    expect(problems.map((problem) => problem.message)).toEqual([
      'Nothing starts the workflow by itself: say the `event`.',
    ])
  })
})

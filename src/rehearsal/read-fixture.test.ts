import { describe, expect, it } from 'vitest'
import { parseWorkflow } from '../workflow/language/parse-workflow.ts'
import { readFixture } from './read-fixture.ts'

const workflow = `name: mend
on:
  - event: issue.labeled
    label: urgent
  - command: run
steps:
  - { name: write_code, type: ai_action, prompt: "Mend it" }
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
    ['tests:\n  - name: a\n  - name: a', '3:11 tests.1.name: There is a test "a" already.'],
    ['tests: []', '1:8 tests: `tests` does not fit: Too small: expected array to have >=1 items.'],
    ['tests: [', '1:9 : Flow sequence in block collection must be sufficiently indented and end with a ].'],
  ])('%j', (text, sentence) => {
    expect(told(text)).toContain(sentence)
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

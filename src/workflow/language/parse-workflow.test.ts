import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fc, times } from '../../../test/at-random.ts'
import { parseWorkflow } from './parse-workflow.ts'
import { everyStep } from './steps-within.ts'
import { unsupportedParts } from './unsupported-parts.ts'

/** The example of the language's description, word for word. */
const everyConstruct = readFileSync(new URL('./testing/every-construct.yaml', import.meta.url), 'utf8')

const minimal = (more: string): string =>
  `name: w\nsteps:\n  - { name: a, type: system, action: log, inputs: { message: x } }\n${more}`
const problemsOf = (text: string): string[] =>
  parseWorkflow(text, 'w.yaml').problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
const stepsOf = (steps: string, more = '') => {
  const { definition, problems } = parseWorkflow(`name: w\n${more}\nsteps:\n${steps}`, 'w.yaml')
  expect(problems).toEqual([])
  return definition!.steps
}

describe('the example that shows every construct', () => {
  const { definition, problems } = parseWorkflow(everyConstruct, 'every-construct.yaml')

  test('is accepted as it stands', () => {
    expect(problems).toEqual([])
    expect(everyStep(definition!).map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'get_task: plugin',
      'generate_code: ai_action',
      'tell_everyone: parallel',
      'each_task: loop',
      'choose: conditional',
      'plan_approval: approval',
      'wait_for_ci: wait',
      'unit_tests: run',
      'sub: workflow',
      'note: system',
      'cleanup: system',
      'log_success: system',
      'send_alert: system',
    ])
  })

  test('is understood', () => {
    expect(definition!.on).toEqual([
      { event: 'issue.labeled', fields: { label: 'ai' }, schedule: null },
      { event: 'task.transitioned', fields: { to: 'AI Ready' }, schedule: null },
      { event: 'command.given', fields: { command: 'run' }, schedule: null },
      { event: 'schedule.due', fields: {}, schedule: '0 6 * * 1' },
    ])
    expect(definition!.limits).toEqual({ maxCostUsd: 5, maxTokens: 500_000, maxMinutes: 60 })
    expect(definition!.steps[1]).toMatchObject({
      agent: 'development',
      promptTemplate: './prompts/code_generation.njk',
      onError: 'retry',
      retry: { count: 2, backoff: 'exponential', initialSeconds: 2, maxSeconds: 60, jitter: 'full' },
      timeoutSeconds: 1800,
      condition: "${task_data.type != 'epic'}",
      rollback: { plugin: 'version_control', action: 'delete_branch', inputs: { branch: '${branch_name}' } },
      position: { line: 37, column: 5 },
    })
    expect(definition!.steps.find(({ name }) => name === 'tell_everyone')).toMatchObject({
      onError: 'continue',
      maxConcurrency: 4,
      failFast: false,
    })
    expect(definition!.steps.find(({ name }) => name === 'choose')).toMatchObject({
      condition: null,
      test: "${review.verdict == 'approve'}",
    })
    expect(definition!.steps.find(({ name }) => name === 'unit_tests')).toMatchObject({ accept: { exitCode: [0] } })
  })

  test('says which of its actions a version does not have', () => {
    const canDo = (_category: string, action: string) => action !== 'delete_branch'
    expect(unsupportedParts(definition!)).toEqual([])
    expect(unsupportedParts(definition!, '', canDo).map(({ message }) => message)).toEqual([
      'The step `generate_code` uses `version_control.delete_branch`: this version does not run `version_control.delete_branch` yet.',
    ])
  })
})

describe('what may be left out', () => {
  test('an agent, its prompt, a type, a count of retries', () => {
    const steps = stepsOf(
      [
        '  - { name: a, type: ai_action, on_error: retry }',
        '  - { name: b, plugin: task_management, action: get_task }',
        '  - { name: c, command: npm test }',
        '  - { name: d, action: log, inputs: { message: x } }',
      ].join('\n'),
      'kind: review',
    )
    expect(steps).toMatchObject([
      { type: 'ai_action', agent: 'review', promptTemplate: 'prompts/review.njk', retry: { count: 3 } },
      { type: 'plugin' },
      { type: 'run', accept: null },
      { type: 'system' },
    ])
  })

  test("a step's own on_error wins over step_overrides, which win over default_strategy", () => {
    const steps = stepsOf(
      ['a', 'b', 'c']
        .map((name) => `  - { name: ${name}, command: x${name === 'a' ? ', on_error: fail' : ''} }`)
        .join('\n'),
      'error_handling: { default_strategy: continue, step_overrides: { a: retry, b: retry } }',
    )
    expect(steps.map(({ onError, retry }) => `${onError} ${retry.count}`)).toEqual(['fail 0', 'retry 3', 'continue 0'])
  })

  test('the names of built-in steps after the end', () => {
    const { definition } = parseWorkflow(
      minimal(
        'post_execution: { always: [ { action: cleanup }, { action: log, inputs: { message: x } }, { action: cleanup } ] }',
      ),
      'w.yaml',
    )
    expect(definition!.postExecution.always.map(({ name }) => name)).toEqual(['cleanup', 'log', 'cleanup_2'])
  })
})

describe('mistakes are told with line, column and the nearest known word', () => {
  test.each([
    [minimal('varaibles: {}'), '4:1 There is no key `varaibles` here. Did you mean `variables`?'],
    [minimal('limits: { max_cost: 5 }'), '4:11 There is no key `max_cost` here. Did you mean `max_cost_usd`?'],
    [minimal('on:\n  - event: issue.labelled'), '5:12 `event` must be one of'],
    [minimal('on:\n  - evnt: issue.labeled'), '5:5 A trigger says `event`, `command` or `schedule`.'],
    [minimal('version: 1.0'), '4:10 `version` must be a text (numbers and the like in quotes).'],
    ['name: w', '1:1 `steps` is missing.'],
    ['name: w\nsteps: []', '2:8 `steps` does not fit'],
    ['name: Not A Name\nsteps:\n  - { name: a, command: x }', '1:7 `name` must be lower case letters'],
    ['name: w\nsteps:\n  - { name: a, type: lop }', '3:22 There is no step type `lop`. Did you mean `loop`?'],
    [
      'name: w\nsteps:\n  - { name: a, action: create_branch }',
      '3:5 The step has the action `create_branch` but says no `plugin`.',
    ],
    ['name: w\nsteps:\n  - { name: a }', '3:5 The step says neither `plugin` nor `type`'],
    [
      'name: w\nsteps:\n  - { name: a, plugn: version_control, action: clone_repository }',
      '3:5 There is no key `plugn` of a step. Did you mean `plugin`?',
    ],
    [
      'name: w\nsteps:\n  - { name: a, command: x, retries: 3 }',
      '3:28 There is no key `retries` here. Did you mean `retry`?',
    ],
    ['name: w\nsteps:\n  - { name: a, command: x, retry_count: 1000 }', '3:41 `retry_count` is at most 10.'],
    ['name: w\nsteps:\n  - { name: a, command: x, on_error: retyr }', 'Did you mean `retry`?'],
    ['name: w\nsteps:\n  - { name: a, type: loop, for_each: "${x}", steps: [] }', '`max_iterations` is missing.'],
    [
      'name: w\nsteps:\n  - { name: a, type: parallel, steps: [ { name: b, comand: x } ] }',
      '3:41 There is no key `comand` of a step. Did you mean `command`?',
    ],
    ['name: w\nname: v\nsteps: []', '2:1 The key `name` is here twice'],
    ['name: w\nsteps: [', '2:9'],
    ['- a', '1:1 A workflow is an object'],
    ['', '1:1 A workflow is an object'],
  ])('%j', (text, expected) => {
    expect(problemsOf(text).join('\n')).toContain(expected)
  })

  test('every mistake of a file is told at once', () => {
    expect(
      problemsOf('name: w\nnope: 1\nsteps:\n  - { name: a, comand: x }\n  - { name: b, type: run, command: 7 }'),
    ).toHaveLength(3)
  })
})

describe('hostile files', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
    .split('')
    .map((name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefghi'[index]}`).join(',')}]`)
    .join('\n')}\nname: w\nsteps: []`

  test.each([
    ['a bomb of anchors', bomb],
    ['a key that is a prototype', minimal('variables: { __proto__: { polluted: 1 } }')],
    ['a key that is a constructor', minimal('variables: { constructor: 1 }')],
    ['deep nesting', `name: w\nsteps: ${'['.repeat(20_000)}`],
    ['deep blocks', `name: w\nvariables: ${'{a: '.repeat(5000)}1${'}'.repeat(5000)}`],
    ['a huge file', `name: w\n#${'x'.repeat(300_000)}`],
    ['a tag that makes code', minimal('variables: { a: !!js/function "function () {}" }')],
  ])('%s is refused', (_name, text) => {
    const { definition, problems } = parseWorkflow(text, 'w.yaml')
    expect(definition).toBeNull()
    expect(problems.length).toBeGreaterThan(0)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('whatever is in a file, it is read or refused and nothing is thrown', () => {
    const json = fc.jsonValue({ maxDepth: 4 })
    fc.assert(
      fc.property(json, json, fc.string(), (steps, other, text) => {
        // biome-ignore lint/suspicious/noThenProperty: `then` is the word of the language.
        const conditional = { name: 'a', type: 'conditional', then: steps }
        parseWorkflow(JSON.stringify({ name: 'w', steps: [steps, conditional], on: other }), 'w')
        parseWorkflow(JSON.stringify(other), 'w')
        parseWorkflow(text, 'w')
        parseWorkflow(everyConstruct.slice(0, text.length * 100), 'w')
      }),
      { numRuns: times(100) },
    )
  })
})

import { describe, expect, test } from 'vitest'
import { fc, times } from '../../../test/at-random.ts'
import { actionSpecs } from '../actions/specs.ts'
import { agentSpecs } from './agent-specs.ts'
import { checkWorkflow } from './check-workflow.ts'
import { randomWorkflow } from './testing/random-workflow.ts'
import { maxSourceLength } from './yaml-source.ts'

const check = (text: string) =>
  checkWorkflow(text, 'w.yaml', {
    actions: actionSpecs,
    agents: agentSpecs,
    configuredPlugins: ['task_management', 'version_control'],
    readPrompt: () => 'x',
    workflows: new Map(),
  })

/** Refused or not: what is told stands in the file, is a sentence, and is no longer than anybody reads. */
const isAnswered = (text: string): ReturnType<typeof check> => {
  const answer = check(text)
  const lines = text.split(/\r?\n/)
  for (const { line, column, message } of answer.problems) {
    expect(line).toBeGreaterThanOrEqual(1)
    expect(line).toBeLessThanOrEqual(lines.length)
    expect(column).toBeGreaterThanOrEqual(1)
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1)
    expect(message).toMatch(/[.?!]$/)
    expect(message).not.toMatch(/undefined|\[object|is not a function|call stack/)
  }
  expect(answer.problems.length).toBeLessThan(300)
  const isBad = answer.problems.some(({ severity }) => severity === 'error')
  expect(answer.definition === null).toBe(isBad)
  return answer
}

const step = '  - { name: a, command: x }'
const good = `name: w\nsteps:\n${step}`
const first = (text: string): string => {
  const [problem] = isAnswered(text).problems
  return problem ? `${problem.line}:${problem.column} ${problem.message}` : 'good'
}

describe('broken YAML', () => {
  test('a tab is one mistake, whatever the lines after it are taken for', () => {
    const text = 'name: w\nsteps:\n\t- name: a\n\t  command: x\n  - name: b\n    command: y\n'
    expect(isAnswered(text).problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '3 Here is a tab; YAML is indented with spaces.',
      '4 Here is a tab; YAML is indented with spaces.',
    ])
  })

  const bomb = 'bcdefghij'.split('').map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[at]}`)}]`)
  test.each([
    ['a tab', 'name: w\nsteps:\n\t- name: a', '3:1 Here is a tab'],
    ['a quote', 'name: "w\nsteps: []', '2:10 Missing closing "quote'],
    ['a bracket', 'name: w\nsteps: [', '2:9 '],
    ['a key that is there twice', `${good}\nname: v`, '4:1 The key `name` is here twice.'],
    [
      'a key that is there twice, deep inside',
      'name: w\nsteps:\n  - { name: a, name: b, command: x }',
      '3:16 The key `name` is here twice.',
    ],
    ['a bomb of anchors', `a: &a [x, x]\n${bomb.join('\n')}`, 'The file uses anchors more than 50 times.'],
    ['an anchor inside itself', 'a: &a [*a]', '1:8 This stands for something that it is a part of.'],
    ['an anchor that is not there', 'a: *b', '1:4 '],
    ['merge keys', `${good}\nvariables: { a: &a { b: 1 }, c: { <<: *a } }`, 'Merge keys (`<<`) are not understood'],
    ['a tag', 'name: !!js/function "x"', '1:7 Tags (`!!…`) are not understood here'],
    ['a known tag', 'name: !!binary aGVsbG8=', 'Tags (`!!…`) are not understood here'],
    ['a second document', `${good}\n---\n${good}`, '4:1 A second document begins here'],
    ['a byte of nothing', 'name: w\u0000', '1:8 This is a control character.'],
    ['another encoding', Buffer.from('name: \u00e9t\u00e9', 'latin1').toString('utf8'), '1:7 This is no UTF-8'],
    ['a key that is a list', '? [a]\n: b', 'A key must be a text.'],
    ['no number', `${good}\nvariables: { a: .nan }`, '4:17 This is no number.'],
    ['nothing', '', 'A workflow is an object'],
    ['a list', '- a', 'A workflow is an object'],
    ['a text', 'hello', 'A workflow is an object'],
    ['null', 'null', 'A workflow is an object'],
  ])('%s', (_name, text, expected) => {
    expect(first(text)).toContain(expected)
  })

  test('what is only unusual is read', () => {
    expect(first(`\ufeff${good}`)).toBe('good')
    expect(first(good.replaceAll('\n', '\r\n'))).toBe('good')
    expect(first(`--- # one\n${good}\n...\n`)).toBe('good')
    expect(first('{"name": "w", "steps": [{"name": "a", "command": "x"}]}')).toBe('good')
    expect(first(`${good}\nvariables: { a: &a { b: 1 }, c: *a, d: 12345678901234567890 }`)).toBe('good')
  })
})

describe('files that are too much', () => {
  const many = (count: number, of: (at: number) => string, between = '\n'): string =>
    Array.from({ length: count }, (_, at) => of(at)).join(between)
  const half = maxSourceLength / 2
  test.each([
    ['of 10 MB', 'a'.repeat(10_000_000), '1:1 The file is longer than'],
    ['with 100,000 brackets', '['.repeat(100_000), 'nested too deeply'],
    ['with 30,000 maps', 'a: '.concat('{a: '.repeat(30_000)), 'nested too deeply'],
    ['with 100,000 dashes', '- '.repeat(100_000), 'nested too deeply'],
    ['with 900 levels of indentation', many(900, (at) => `${' '.repeat(at)}a:`), 'nested too deeply'],
    ['with 120 levels', `${'[ x, '.repeat(120)}${']'.repeat(120)}`, 'nested deeper than 100 levels'],
    ['with one long line', `name: w\nsteps:\n  - { name: a, command: "${'x'.repeat(half)}" }`, 'good'],
    ['of unknown keys', `${good}\n${many(8000, (at) => `k${at}: 1`)}`, '4:1 There is no key `k0` here.'],
    [
      'of wrong steps',
      `name: w\nsteps:\n${many(6000, () => '  - { name: a, comand: x }')}`,
      '`steps` is at most 1000.',
    ],
    [
      'of steps',
      `name: w\nsteps:\n${many(6000, (at) => `  - { name: s${at}, command: x }`)}`,
      '`steps` is at most 1000.',
    ],
    [
      'of steps in steps',
      `name: w\nsteps:\n  - { name: p, type: parallel, steps: [ ${many(4000, (at) => `{ name: s${at}, command: x }`, ', ')} ] }`,
      'steps; 1000 is the most',
    ],
    ['of quotes', '"'.repeat(60_000), '1:3 '],
    ['of anchors', many(8000, (at) => `- &a${at} x`), 'A workflow is an object'],
    ['of aliases', `a: &a x\nb: [${'*a,'.repeat(30_000)}]`, 'more than 50 times'],
    ['of expressions', `name: w\nsteps:\n  - { name: a, command: "${'${task.id}'.repeat(20_000)}" }`, 'good'],
    [
      'of mistakes in expressions',
      `name: w\nsteps:\n  - { name: a, command: "${'${nope}'.repeat(20_000)}" }`,
      'Nothing sets `nope`',
    ],
    [
      'with a long expression',
      `name: w\nsteps:\n  - { name: a, command: "\${${'('.repeat(100_000)}}" }`,
      'longer than 10000',
    ],
    [
      'with a deep expression',
      `name: w\nsteps:\n  - { name: a, command: "\${${'('.repeat(4000)}1${')'.repeat(4000)}}" }`,
      '3:',
    ],
    [
      'with a chain of variables',
      `${good.replace('x', '"${v0}"')}\nvariables:\n${many(9000, (at) => `  v${at}: "\${v${at + 1}}"`)}`,
      'through more than 50 others',
    ],
    [
      'with a thousand steps that all need a hundred',
      `name: w\nsteps:\n${many(1000, (at) => `  - { name: s${at}, command: x, needs: [${many(60, (other) => `s${(at + other + 1) % 1000}`, ', ')}] }`)}`,
      'need each other in a circle',
    ],
  ])('%s', (_name, text, expected) => {
    const told = isAnswered(text).problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
    if (expected === 'good') expect(told).toEqual([])
    else expect(told.join('\n')).toContain(expected)
  })
})

describe('names that are not for taking', () => {
  const hostile = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'then', 'length']
  const places: [string, (name: string) => string][] = [
    ['a key of the file', (name) => `${good}\n${name}: 1`],
    ['a step', (name) => `name: w\nsteps: [ { name: ${name}, command: x } ]`],
    ['a key of a step', (name) => `name: w\nsteps: [ { name: a, command: x, ${name}: 1 } ]`],
    ['a type', (name) => `name: w\nsteps: [ { name: a, type: ${name} } ]`],
    ['a plugin', (name) => `name: w\nsteps: [ { name: a, plugin: ${name}, action: ${name} } ]`],
    ['an action', (name) => `name: w\nsteps: [ { name: a, plugin: task_management, action: ${name} } ]`],
    ['a system action', (name) => `name: w\nsteps: [ { name: a, type: system, action: ${name} } ]`],
    ['an agent', (name) => `name: w\nsteps: [ { name: a, agent: ${name}, prompt_template: x } ]`],
    [
      'an input of an action',
      (name) => `name: w\nsteps: [ { name: a, action: log, inputs: { message: x, ${name}: 1 } } ]`,
    ],
    [
      'a variable that is set',
      (name) =>
        `name: w\nsteps: [ { name: a, action: set, inputs: { ${name}: 1 } }, { name: b, command: "\${${name}.x}" } ]`,
    ],
    [
      'an output',
      (name) =>
        `name: w\nsteps: [ { name: a, plugin: task_management, action: get_task, outputs: { ${name}: ${name}.${name} } } ]`,
    ],
    ['a need', (name) => `name: w\nsteps: [ { name: a, command: x, needs: [${name}] } ]`],
    ['a workflow', (name) => `name: w\nsteps: [ { name: a, uses: ${name} } ]`],
    [
      'an item',
      (name) =>
        `name: w\nsteps: [ { name: l, for_each: [1], as: ${name}, max_iterations: 1, steps: [ { name: a, command: "\${${name}.x}" } ] } ]`,
    ],
    ['a variable', (name) => `${good}\nvariables: { ${name}: "\${${name}}" }`],
    ['an input', (name) => `${good}\ninputs: { ${name}: { type: string } }`],
    ['an override', (name) => `${good}\nerror_handling: { step_overrides: { ${name}: fail } }`],
    [
      'a name in an expression',
      (name) =>
        `name: w\nsteps: [ { name: a, command: "\${${name}} \${task.${name}} \${steps.${name}} \${1 | ${name}} \${1 is ${name}} \${${name}()}" } ]`,
    ],
    ['an event', (name) => `${good}\non: [ { event: ${name} } ]`],
  ]
  test.each(places)('%s', (_place, write) => {
    for (const name of hostile) isAnswered(write(name))
  })
})

describe('whatever is in a file, it is checked or refused', () => {
  const any = { numRuns: times(200) }
  test('bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void isAnswered(Buffer.from(bytes).toString('utf8'))),
      any,
    )
  })

  const pieces = [
    'name: ',
    'steps:\n',
    '  - ',
    '{',
    '}',
    '[',
    ']',
    ': ',
    '"',
    "'",
    '&a ',
    '*a',
    '!!str ',
    '|\n',
    '>\n',
    '\n',
    '\t',
    '#',
    '---\n',
    '? ',
    '${',
    'x',
    '  ',
    ', ',
    '<<',
    '%',
    '@',
    '`',
  ]
  test('pieces of YAML', () => {
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (one) => void isAnswered(one)),
      any,
    )
  })

  test('data of any form', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => void isAnswered(text)),
      any,
    )
    const keys = [
      'name',
      'steps',
      'on',
      'inputs',
      'variables',
      'concurrency',
      'limits',
      'prerequisites',
      'error_handling',
      'success_criteria',
      'post_execution',
    ]
    const whole = fc.dictionary(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(whole, (raw) => void isAnswered(JSON.stringify(raw))),
      any,
    )
  })

  test('workflows, as they are and with something else in the place of something', () => {
    fc.assert(
      fc.property(randomWorkflow, fc.nat(), fc.jsonValue({ maxDepth: 2 }), (raw, at, value) => {
        isAnswered(JSON.stringify(raw))
        isAnswered(JSON.stringify(replaced(raw, at, value)))
      }),
      { numRuns: times(60) },
    )
  })

  test('texts of workflows with some of it cut out or doubled', () => {
    fc.assert(
      fc.property(randomWorkflow, fc.nat(), fc.nat(40), fc.string({ maxLength: 4 }), (raw, from, length, more) => {
        const text = JSON.stringify(raw, null, 2)
        const start = from % text.length
        isAnswered(text.slice(0, start) + more + text.slice(start + length))
        isAnswered(text.slice(0, start + length) + more + text.slice(start))
      }),
      { numRuns: times(60) },
    )
  })
})

/** The value at one of the places of some data, counted, is another. */
const replaced = (data: unknown, at: number, value: unknown): unknown => {
  const count = placesIn(data)
  let left = at % count
  const visit = (one: unknown): unknown => {
    left -= 1
    if (left === -1) return value
    if (Array.isArray(one)) return one.map(visit)
    if (typeof one !== 'object' || one === null) return one
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, visit(inner)]))
  }
  return visit(data)
}

const placesIn = (data: unknown): number =>
  typeof data === 'object' && data !== null
    ? Object.values(data).reduce((sum: number, one) => sum + placesIn(one), 1)
    : 1

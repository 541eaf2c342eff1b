import { describe, expect, test as it } from 'vitest'
import { fc, times } from '../../../test/at-random.ts'
import { codeOf } from '../../domain/errors.ts'
import { codeFrom, scopeOf, task, value } from './expressions.fixture.ts'
import { evaluate, render, test } from './expressions.ts'

describe('attacks', () => {
  it.each([
    'task.constructor',
    "task['constructor']",
    "task['con' ~ 'structor']",
    "''['con' ~ 'structor']['con' ~ 'structor']('return process')()",
    'task.__proto__',
    'task["__proto" ~ "__"].polluted',
    '{}.constructor',
    "{'__proto__': 1}",
    'constructor',
    'task.labels.push',
    'task.labels.map',
    "task.title.split('')",
    "'x'.repeat(1000000000)",
    'task.toString()',
    'hostile()',
    'hostile',
    'cycler(1)',
    "'a'|safe",
    '[1]|random',
    'r/(a+)+$/',
    "'aaaa'|replace(r/(a+)+$/, '')",
    '{% set a = 1 %}',
    '{{ n }}',
    'n }} {{ n',
    "'unclosed",
    'n n',
    'n |',
    '(1, 2)',
    '1/0',
    '1e999',
    '99999999999999999999999999999999999999999999999999999 ** 99',
    '@',
    "'\\u0004' \u0004 n",
  ])('%s is refused', (expression) => {
    const hostile = scopeOf({ task, n: 3, hostile: () => process })
    expect(['invalid_workflow', 'invalid_input']).toContain(codeFrom(() => value(expression, hostile)))
  })

  it.each([
    ['a huge range', 'range(1000000000)'],
    ['an endless range', 'range(0, 1, 0.0000001)'],
    ['loops inside loops', `range(99999) | ${'list | '.repeat(3)} batch(1) | batch(1) | batch(1) | batch(1) | join`],
    ['deep nesting', `${'['.repeat(2000)}${']'.repeat(2000)}`],
    ['deep parentheses', `${'('.repeat(4000)}1${')'.repeat(4000)}`],
    ['a long chain', Array.from({ length: 500 }, () => 'n').join('+')],
    ['a long text', `'${'x'.repeat(20_000)}'`],
    [
      'a wide centre',
      "'x' | center(1000000) ~ ('x' | center(1000000)) ~ ('x' | center(1000000)) ~ ('x' | center(1000000)) ~ ''",
    ],
    ['a doubling text', `'x'${" | replace('x', 'xxxxxxxxxxxxxxxx')".repeat(9)}`],
  ])('%s ends at a limit', (_name, expression) => {
    expect(codeFrom(() => value(expression))).toBe('limit_reached')
  })

  it('a list of four billion holes ends at a limit', () => {
    const data = scopeOf({ holes: new Array(4_000_000_000) })
    for (const expression of [
      'holes',
      '1 in holes',
      'holes == holes',
      'holes | first',
      'holes | reverse',
      'holes | urlencode',
    ]) {
      expect(
        codeFrom(() => value(expression, data)),
        expression,
      ).toBe('limit_reached')
    }
  })

  it('a value that shares itself again and again ends at a limit', () => {
    let shared: unknown = ['x']
    for (let level = 0; level < 60; level++) shared = [shared, shared]
    expect(codeFrom(() => value('shared', scopeOf({ shared })))).toBe('limit_reached')
    expect(codeFrom(() => value('shared == other', scopeOf({ shared, other: structuredClone([shared])[0] })))).toBe(
      'limit_reached',
    )
    const loop: unknown[] = []
    loop.push(loop)
    expect(codeFrom(() => value('loop | json', scopeOf({ loop })))).toBe('limit_reached')
  })

  it('data is never read as a template', () => {
    const data = scopeOf({ title: '${task.id} {{ 7 * 7 }} {% raw %}' })
    expect(render('Title: ${title}', data)).toBe('Title: ${task.id} {{ 7 * 7 }} {% raw %}')
    expect(value('title', data)).toBe('${task.id} {{ 7 * 7 }} {% raw %}')
  })

  it('an own property called __proto__ neither shows nor pollutes', () => {
    const data = scopeOf({ d: JSON.parse('{"__proto__": {"polluted": 1}, "a": 1}') })
    const copy = value('d', data) as Record<string, unknown>
    expect(Object.keys(copy)).toEqual(['a'])
    expect(copy.polluted).toBeUndefined()
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('never throws anything but our errors and never gives a function, whatever the data', () => {
    const trap = new Proxy(
      {},
      {
        get: () => () => process,
        ownKeys: () => {
          throw new Error('trap')
        },
      },
    )
    const hostileValue = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
      fc.constantFrom<unknown>(
        () => process,
        trap,
        Symbol('s'),
        {
          toString: () => 'x',
          valueOf: () => {
            throw new Error('v')
          },
        },
        new Array(4_000_000_000),
        {
          get a() {
            throw new Error('getter')
          },
        },
        { exit: process.exit, nested: { run: setTimeout } },
        new Date(Number.NaN),
        { length: 1e12 },
        /(a+)+$/,
        Number.NaN,
      ),
    )
    const atom = fc.constantFrom(
      'a',
      'b',
      'a.b',
      "a['c']",
      'b[0]',
      '1',
      '-2.5',
      "'t'",
      'none',
      'true',
      '[a, b]',
      "{'k': a}",
      'range(3)',
      'a.constructor',
    )
    const filters = [
      'json',
      'length',
      'upper',
      'join',
      'sort',
      'first',
      'unique',
      'sum',
      'slug',
      'date',
      'int',
      'list',
      'default(b)',
      "pluck('b')",
      "where('b', a)",
      'batch(2)',
      'slice(3)',
      'dictsort',
      "groupby('b')",
      'reverse',
      'round',
      'abs',
      'indent',
      'striptags',
      'urlize',
      'urlencode',
      "replace('a', b)",
      'truncate(3)',
      "select('odd')",
      'from_json',
      'title',
      'escape',
      'string',
      'wordcount',
      'nl2br',
      'center(9)',
      'truncate_middle(3)',
    ]
    const operators = [
      '+',
      '-',
      '*',
      '/',
      '//',
      '%',
      '**',
      '~',
      '==',
      '<',
      '>=',
      '===',
      '!=',
      'and',
      'or',
      'in',
      'not in',
    ]
    const { expression } = fc.letrec<{ expression: string }>((tie) => ({
      expression: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc
          .tuple(tie('expression'), fc.constantFrom(...operators), tie('expression'))
          .map(([l, o, r]) => `(${l}) ${o} (${r})`),
        fc.tuple(tie('expression'), fc.constantFrom(...filters)).map(([e, f]) => `(${e}) | ${f}`),
        fc
          .tuple(tie('expression'), tie('expression'), tie('expression'))
          .map(([x, y, z]) => `(${x}) if (${y}) else (${z})`),
        fc.tuple(tie('expression'), tie('expression')).map(([x, y]) => `(${x})[${y}]`),
        fc
          .tuple(tie('expression'), fc.constantFrom('defined', 'odd', 'string', 'mapping', 'eq(a)', 'lt(b)'))
          .map(([e, t]) => `(${e}) is ${t}`),
      ),
    }))
    const ours = (run: () => unknown): void => {
      try {
        expect(JSON.stringify(run()) ?? 'null').toBeTypeOf('string')
      } catch (error) {
        expect(codeOf(error), String((error as Error).stack)).not.toBe('internal')
      }
    }
    fc.assert(
      fc.property(expression, hostileValue, hostileValue, (text, a, b) => {
        const data = scopeOf({ a, b })
        ours(() => evaluate(text, data))
        ours(() => test(text, data))
        ours(() => render({ x: `t \${${text}}` }, data))
      }),
      { numRuns: times(600) },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), hostileValue, (text, a) => ours(() => evaluate(text, scopeOf({ a })))),
      { numRuns: times(500) },
    )
  })
})

import nunjucks from 'nunjucks'
import { describe, expect, test as it } from 'vitest'
import { codeFrom, scope, scopeOf, task, value } from './expressions.fixture.ts'
import { namesUsed, parseTemplate, render, test } from './expressions.ts'

const messageFrom = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return (error as Error).message
  }
  return 'nothing was thrown'
}

describe('values', () => {
  it.each([
    ['task.title', task.title],
    ["task['status']", 'todo'],
    ['task.labels[1]', 'bug'],
    ['task.labels.length', 2],
    ['task.epic', null],
    ['n + 2 * 3 - 1', 8],
    ['2 * 7 % 4', 2],
    ['2 ** 3', 8],
    ['7 // 2', 3],
    ['-n | abs', 3],
    ["'a' ~ n ~ [1, 2]", 'a3[1,2]'],
    ["task.status == 'todo' and not (n > 5)", true],
    ["'bug' in task.labels", true],
    ["'x' not in task.labels", true],
    ["'yes' if n == 3 else 'no'", 'yes'],
    ["{'a': {'b': n}}", { a: { b: 3 } }],
    ['[1, task.author]', [1, { name: 'Ada' }]],
    ['range(3)', [0, 1, 2]],
    ['[1, 2] == [1, 2]', true],
    ["nope | default('d')", 'd'],
    ["task.nope.deeper | default('d')", 'd'],
    ['nope is defined', false],
    ['task is not defined', false],
    ['task.epic is none', true],
    ['"}" ~ "{"', '}{'],
  ])('%s', (expression, expected) => {
    expect(value(expression)).toEqual(expected)
  })

  it('agrees with Nunjucks itself wherever Nunjucks is safe', () => {
    const environment = new nunjucks.Environment(null, { autoescape: false })
    const context = { task, n: 3, zero: 0, empty: '', items: [3, 1, 2], words: 'the quick  brown fox' }
    for (const expression of [
      'n * 2 + 1',
      '10 / 4 * 2',
      '10 % 4 * 3',
      '2 * 7 % 4',
      '7 // 2 * 2',
      'n > 2 and zero < 1',
      'not zero',
      'words | upper',
      'words | title',
      'words | capitalize',
      'words | truncate(9)',
      'words | replace("o", "0")',
      'words | wordcount',
      'words | length',
      'items | sort | join(",")',
      'items | sort(reverse=true) | join("-")',
      'items | first',
      'items | last',
      'items | reverse | join',
      'items | sum',
      '3.14159 | round(2)',
      '"7" | int + 1',
      'items | batch(2) | dump',
      'items | slice(2) | dump',
      'task.labels | join(", ")',
      '"<a>" | escape',
      '"a\nb" | indent(2)',
      '"  x " | trim',
      'words | urlencode',
      '{"b": 1, "a": 2} | dictsort | dump',
      '"x" if n is odd else "y"',
      'n is divisibleby(3)',
      '[1,2,3,4] | select("even") | dump',
      '"<b>x</b> y" | striptags',
      '"ab" | list | dump',
      '1 < 2 < 3',
      '"1" == 1',
      'task.labels[0] ~ "!"',
      'none',
      '2 ** 3',
      '[{"a":1},{"a":2}] | sum("a")',
      '"x" | center(5)',
      '"5.5" | float',
      '"a\nb" | nl2br',
      '"abc" | replace("", ".")',
      '[{"v":1,"k":"p"},{"v":0,"k":"q"}] | selectattr("v") | dump',
    ]) {
      const theirs = environment.renderString(`{{ ${expression} }}`, context)
      expect(render(`= \${${expression}}`, scopeOf(context)), expression).toBe(`= ${theirs}`)
    }
  })

  it('keeps the type of a text that is nothing but one expression, and writes JSON inside a longer one', () => {
    const template = { whole: '${task.labels}', mixed: 'labels: ${task.labels}', deep: [{ n: '${n}' }], plain: 7 }
    expect(render(template, scope)).toEqual({
      whole: ['ai', 'bug'],
      mixed: 'labels: ["ai","bug"]',
      deep: [{ n: 3 }],
      plain: 7,
    })
    expect(render('a ${task.epic} b', scope)).toBe('a  b')
    expect(render('$${n} costs $5', scope)).toBe('${n} costs $5')
  })

  it.each([
    ["items | where('a', 1) | pluck('k')", ['x', 'z']],
    ["items | unique('a') | length", 2],
    ["items | sum('a')", 4],
    ['items | groupby("a") | length', 2],
    ["'Ärger & Söhne: fix #12!' | slug", 'arger-sohne-fix-12'],
    ["'abcdefghij' | truncate_middle(5)", 'ab…ij'],
    ["'2026-11-20T10:00:00Z' | date('DD.MM.YYYY HH:mm')", '20.11.2026 10:00'],
    ["'[1,2]' | from_json", [1, 2]],
    ['task.author | json', '{"name":"Ada"}'],
  ])('%s', (expression, expected) => {
    expect(value(expression)).toEqual(expected)
  })
})

describe('names that are not set', () => {
  it('are an error that names the nearest', () => {
    expect(messageFrom(() => value('tsk.title'))).toBe('`tsk` is not set. Did you mean `task`?')
    expect(messageFrom(() => value('task.titel'))).toBe('`task` has no `titel`. Did you mean `title`?')
    expect(messageFrom(() => render({ inputs: { title: 'x ${tsk}' } }, scope))).toContain('In `inputs.title`')
    // It is known, and has no value: its own name is no advice. Nor is another word of one letter.
    expect(messageFrom(() => value('known', scopeOf({ known: undefined, m: 1 })))).toBe('`known` is not set.')
    expect(messageFrom(() => value('x', scopeOf({ m: 1 })))).toBe('`x` is not set.')
    expect(codeFrom(() => value('nope.a.b'))).toBe('invalid_workflow')
    expect(codeFrom(() => value('task.epic.name'))).toBe('invalid_workflow')
  })

  it('are undefined in a condition, with or without ${}', () => {
    expect(test('${nope.a.b}', scope)).toBe(false)
    expect(test("nope == 'x' or n > 2", scope)).toBe(true)
    expect(test('nope | length > 0', scope)).toBe(false)
    expect(test("'a' in nope", scope)).toBe(false)
    expect(codeFrom(() => test("${n} == '3'", scope))).toBe('invalid_workflow')
  })

  it('can be listed, with those that may be unset', () => {
    expect(namesUsed('${a.b.c ~ (d | default(e)) if f is defined else g}')).toMatchObject([
      { name: 'f', optional: true },
      { name: 'a', optional: false, path: ['b', 'c'] },
      { name: 'd', optional: true },
      { name: 'e', optional: false },
      { name: 'g', optional: false },
    ])
  })
})

describe('templates', () => {
  it('come apart with offsets', () => {
    expect(parseTemplate("a ${b['}'] ~ {'x': 1}.x} c ${d")).toEqual([
      { kind: 'text', text: 'a ', offset: 0 },
      { kind: 'expression', expression: "b['}'] ~ {'x': 1}.x", offset: 4 },
      { kind: 'text', text: ' c ', offset: 24 },
      { kind: 'open', offset: 27 },
    ])
    expect(codeFrom(() => render('a ${b', scope))).toBe('invalid_workflow')
  })
})

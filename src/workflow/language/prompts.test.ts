import nunjucks from 'nunjucks'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../../domain/errors.ts'
import { namesUsedByPrompt, renderPrompt } from './prompts.ts'

const codeFrom = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return codeOf(error)
  }
  return 'nothing was thrown'
}

const context = {
  task: { title: 'Fix <it>', labels: ['a', 'b'], meta: { x: 1, y: 2 } },
  extra: '{{ task.title }} {% if %}',
}

describe('a prompt', () => {
  test.each([
    '# {{ task.title }}\n{% for label in task.labels %}- {{ loop.index }}. {{ label }}{% if not loop.last %},{% endif %}\n{% endfor %}',
    '{%- for key, value in task.meta -%} {{ key }}={{ value }} {%- endfor %}',
    '{% if extra %}{{ extra }}{% else %}nothing{% endif %}',
    '{% if missing %}x{% elif task.title %}y{% else %}z{% endif %}',
    '{% set n = 2 %}{{ n + 1 }}{% set block %}a{{ n }}{% endset %}{{ block | upper }}',
    '{% filter upper %}a {{ task.title }}{% endfilter %}',
    '{% for x in [] %}x{% else %}none{% endfor %}',
    '{% raw %}{{ not read }}{% endraw %}{# a comment #}',
    'a {{- " b " -}} c',
    "{{ missing | default('d') }} {{ 'yes' if task.title else 'no' }}",
  ])('is rendered as Nunjucks renders it: %s', (template) => {
    const environment = new nunjucks.Environment(null, { autoescape: false })
    expect(renderPrompt(template, context)).toBe(environment.renderString(template, context))
  })

  test('names what it was not given', () => {
    expect(() => renderPrompt('{{ tsk.title }}', context)).toThrow('`tsk` is not set. Did you mean `task`?')
    expect(() => renderPrompt('{{ task.titel }}', context)).toThrow('Did you mean `title`?')
    expect(() => renderPrompt('{% for a in nope %}{% endfor %}', context)).toThrow('`nope` is not set')
  })

  test('lists the names that it reads and does not set itself', () => {
    const names = namesUsedByPrompt(
      '{{ a.b }}{% if c %}{{ d }}{% endif %}{% for x in e %}{{ x }}{{ loop.index }}{% endfor %}{% set f = g %}{{ f }}{{ h | default(1) }}{% filter upper %}{{ i }}{% endfilter %}',
    )
    expect(names.map(({ name, optional }) => `${name}${optional ? '?' : ''}`)).toEqual([
      'a',
      'c?',
      'd',
      'e',
      'g',
      'h?',
      'i',
    ])
  })

  test.each([
    ["{{ ''.constructor.constructor('return process')() }}", 'invalid_workflow'],
    ["{% set c = 'con' ~ 'structor' %}{{ ''[c] }}", 'invalid_workflow'],
    ["{% include 'secrets.env' %}", 'invalid_workflow'],
    ["{% import 'x' as y %}", 'invalid_workflow'],
    ["{% extends 'x' %}", 'invalid_workflow'],
    ['{% macro m() %}x{% endmacro %}', 'invalid_workflow'],
    ['{% asyncEach a in task %}{% endeach %}', 'invalid_workflow'],
    ['{{ task.labels.join(",") }}', 'invalid_workflow'],
    ['{{ r/(a+)+$/ }}', 'invalid_workflow'],
    ['{{ unclosed', 'invalid_workflow'],
    ['{% if a %}', 'invalid_workflow'],
    ['{% nope %}', 'invalid_workflow'],
    ['{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}', 'limit_reached'],
    [`${'{% if true %}'.repeat(300)}x${'{% endif %}'.repeat(300)}`, 'limit_reached'],
    [`{% set a = 'x' %}${'{% set a = a ~ a %}'.repeat(60)}{{ a }}`, 'limit_reached'],
  ])('%s is refused', (template, code) => {
    expect(codeFrom(() => renderPrompt(template, context))).toBe(code)
  })
})

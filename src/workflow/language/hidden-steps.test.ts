import { describe, expect, test } from 'vitest'
import { actionSpecs } from '../actions/specs.ts'
import { agentSpecs } from './agent-specs.ts'
import { checkWorkflow } from './check-workflow.ts'

const problemsOf = (steps: readonly string[], rest = ''): string[] =>
  checkWorkflow(`name: w\nsteps:\n${steps.map((step) => `  - ${step}`).join('\n')}\n${rest}`, 'w.yaml', {
    actions: actionSpecs,
    agents: agentSpecs,
    configuredPlugins: ['task_management', 'version_control'],
    readPrompt: () => 'x',
  }).problems.map(({ line, column, severity, message }) => `${line}:${column} ${severity}: ${message}`)

const log = (name: string, message: string, more = ''): string =>
  `{ name: ${name}, action: log, inputs: { message: "${message}" }${more} }`
const group = (...steps: string[]): string => `{ name: group, type: parallel, steps: [ ${steps.join(', ')} ] }`
const holding = (name: string, ...steps: string[]): string =>
  `{ name: ${name}, type: conditional, condition: "true", then: [ ${steps.join(', ')} ] }`
const loop = (name: string, most: number, ...steps: string[]): string =>
  `{ name: ${name}, type: loop, as: of_${name}, for_each: [1, 2], max_iterations: 2, max_concurrency: ${most}, steps: [ ${steps.join(', ')} ] }`
const status = (name: string): string => `\${steps.${name}.status}`

describe('a step that sees nothing of another', () => {
  test('in a parallel group, with what to do instead', () => {
    expect(problemsOf([group(log('a', status('b')), log('b', 'x'))])).toEqual([
      '3:91 error: `b` runs at the same time as `a`, which sees nothing of it. Read it behind the group `group`, or make a graph of the steps and say `needs: [b]`.',
    ])
  })

  test.each([
    [
      'deep inside of both',
      [group(holding('a', log('x', status('y'))), holding('b', log('y', 'x')))],
      '`y` runs at the same time as `a`',
    ],
    [
      'in a condition',
      [group('{ name: a, command: x, condition: "${steps.b is defined}" }', log('b', 'x'))],
      '`b` runs at the same time',
    ],
    ['in a graph', [log('a', 'x'), log('b', status('a')), log('c', 'x', ', needs: [a]')], 'Let `b` say `needs: [a]`.'],
    [
      'in a graph, of what comes later',
      [log('a', status('b')), log('b', 'x', ', needs: [a]')],
      '`b` begins only when `a` has ended.',
    ],
    [
      'in a graph, inside of another',
      [holding('a', log('in_a', 'x')), log('b', status('in_a')), log('c', 'x', ', needs: [a]')],
      '`in_a` may run at the same time as `b`',
    ],
  ])('%s', (_where, steps, expected) => {
    expect(problemsOf(steps)).toEqual([expect.stringContaining(expected)])
  })

  test.each([
    ['in an iteration among several at once', loop('at_once', 2, group(log('a', status('b')), log('b', 'x')))],
    ['beside a loop', group(loop('a', 1, log('x', status('b'))), log('b', 'x'))],
  ])('%s', (_where, step) => {
    expect(problemsOf([step])).toEqual([expect.stringContaining('`b` runs at the same time as `a`')])
  })

  test('through a variable that is worked out there', () => {
    const steps = [group(log('a', '${v}'), log('b', 'x')), log('after', '${v}')]
    expect(problemsOf(steps, `variables: { v: "${status('b')}" }`)).toEqual([
      expect.stringContaining('The variable `v` needs `steps.b`: `b` runs at the same time as `a`'),
    ])
  })
})

test.each([
  [
    'what was before the group, and its own',
    [
      log('one', 'x'),
      group(holding('a', log('x', status('one')), log('y', `${status('x')} ${status('a')}`)), log('b', 'x')),
    ],
  ],
  ['a group behind it', [group(log('a', 'x'), log('b', 'x')), log('after', `${status('a')} ${status('b')}`)]],
  [
    'what is needed, directly or not',
    [log('a', 'x'), log('b', 'x', ', needs: [a]'), log('c', `${status('a')} ${status('b')}`, ', needs: [b]')],
  ],
  ['in a group what the iteration before has come to', [loop('each', 1, group(log('a', status('b')), log('b', 'x')))]],
  [
    'in a graph what the iteration before has come to',
    [loop('each', 1, log('a', status('b')), log('b', 'x', ', needs: [a]'))],
  ],
  [
    'in a group among several at once what the iteration around it has come to before',
    [loop('each', 1, loop('at_once', 2, group(log('a', status('b')), log('b', 'x'))))],
  ],
])('is no step that sees %s', (_what, steps) => {
  expect(problemsOf(steps)).toEqual([])
})

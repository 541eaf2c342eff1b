import { describe, expect, test } from 'vitest'
import { actionSpecs } from '../actions/specs.ts'
import { agentSpecs } from './agent-specs.ts'
import { checkWorkflow } from './check-workflow.ts'
import { parseWorkflow } from './parse-workflow.ts'

const waiting = parseWorkflow(
  'name: waiting\nsteps: [ { name: ask, type: approval, shows: x } ]',
  'waiting.yaml',
).definition
const problemsOf = (text: string): string[] =>
  checkWorkflow(text, 'w.yaml', {
    actions: actionSpecs,
    agents: agentSpecs,
    configuredPlugins: ['task_management', 'version_control'],
    readPrompt: () => 'x',
    workflows: new Map([['waiting', waiting]]),
  }).problems.map(({ line, column, severity, message }) => `${line}:${column} ${severity}: ${message}`)
const ofSteps = (...steps: string[]): string[] =>
  problemsOf(`name: w\nsteps:\n${steps.map((step) => `  - ${step}`).join('\n')}`)
const afterEnd = (step: string, more = ''): string[] =>
  problemsOf(`name: w\nsteps: [ { name: a, command: x } ]\n${more}post_execution: { always: [ ${step} ] }`)

const run = '{ name: r, command: x }'
const set = (name: string, variable: string, more = ''): string =>
  `{ name: ${name}, action: set, inputs: { ${variable}: 1 }${more} }`
const cleanup = '{ name: clean, action: cleanup }'
const branch = 'plugin: version_control, action: create_branch, inputs: { branch: b }'
const undo = 'rollback: { plugin: version_control, action: delete_branch, inputs: { branch: b } }'
const task = 'plugin: task_management, action: get_task'

describe('after the end of a run', () => {
  test.each([
    ['{ name: b, type: approval, shows: x }', 'error: An approval cannot stand in `post_execution`'],
    ['{ name: b, type: wait, seconds: 5 }', 'error: A `wait` cannot stand in `post_execution`'],
    ['{ name: p, type: parallel, steps: [ { name: b, type: wait, seconds: 5 } ] }', 'error: A `wait` cannot stand'],
    ['{ name: b, uses: waiting }', 'its step `ask` would wait'],
    [`{ name: b, ${branch}, on_error: rollback }`, 'error: `on_error: rollback` cannot stand'],
    [`{ name: b, ${branch}, ${undo} }`, 'error: A `rollback` cannot stand'],
  ])('%s is refused', (step, expected) => {
    expect(afterEnd(step).join('\n')).toContain(expected)
  })

  test('what is the default for steps is not meant, and a graph is welcome', () => {
    expect(afterEnd('{ action: cleanup }', 'error_handling: { default_strategy: rollback }\n')).toEqual([])
    expect(afterEnd('{ name: b, command: x }, { name: c, command: x, needs: [b] }')).toEqual([])
  })

  test('a step needs only those of its own list', () => {
    const text = `name: w\nsteps: [ ${run} ]\npost_execution: { on_success: [ { name: b, command: x } ], always: [ { name: c, command: x, needs: [b] } ] }`
    expect(problemsOf(text).join()).toContain('There is no step `b` in the same list.')
  })
})

describe('what means nothing where it stands', () => {
  test.each([
    [['{ name: p, type: parallel, steps: [] }'], '3:39 warning: The step `p` has no steps, and does nothing.'],
    [['{ name: l, for_each: "${task.labels}", max_iterations: 2, steps: [] }'], 'warning: The step `l` has no steps'],
    [
      [`{ name: p, type: parallel, steps: [ ${run}, { name: b, command: x, needs: [r] } ] }`],
      'error: In the parallel group `p`',
    ],
    [[cleanup, run], '3:28 error: `cleanup` takes the work tree away'],
    [[`{ name: l, for_each: [1, 2], max_iterations: 2, steps: [ ${cleanup} ] }`], 'error: `cleanup` takes'],
    [[`{ name: c, condition: "\${task.epic}", then: [ ${cleanup} ] }`, run], 'error: `cleanup` takes'],
    [
      [run, `{ name: clean, action: cleanup, needs: [] }`, '{ name: z, command: x, needs: [r] }'],
      'error: `cleanup` takes',
    ],
    [[`{ name: b, ${task}, ${undo} }`], 'error: `task_management.get_task` only reads: there is nothing to undo.'],
    [
      ['{ name: b, command: x, rollback: { plugin: a, action: b } }'],
      'A `run` step takes no `rollback`: it belongs to plugin, ai_action.',
    ],
    [['{ name: b, type: approval, shows: x, on_error: retry }'], 'error: An approval is not tried again'],
    [['{ name: b, type: approval, shows: x, retry_count: 2 }'], 'error: An approval is not tried again'],
    [['{ name: b, type: approval, shows: null }'], 'warning: The approval `shows` nothing'],
    [['{ name: b, type: approval, shows: x, approvers: [] }'], 'error: Nobody may answer.'],
    [['{ name: b, type: approval, shows: x, approvers: ["role:wirte"] }'], 'There is no role `role:wirte`'],
    [['{ name: b, type: wait, seconds: 5, event: change.merged }'], 'says either `event` or `seconds`'],
    [['{ name: b, type: wait, seconds: 50, timeout: 20 }'], 'comes before the 50 seconds are over'],
    [['{ name: b, type: wait, event: schedule.due, timeout: 20 }'], 'A schedule starts runs'],
    [
      ['{ name: l, for_each: labels, max_iterations: 2, steps: [ { name: b, command: x } ] }'],
      '`for_each` is a text here',
    ],
    [['{ name: l, for_each: [1, 2, 3], max_iterations: 2, steps: [ { name: b, command: x } ] }'], 'has 3 items'],
    [['{ name: b, command: x, on_error: retry, retry: { initial_seconds: 90 } }'], 'is longer than the longest, of 60'],
    [['{ name: b, type: ai_action, prompt: x, prompt_template: y.njk }'], 'either `prompt` or `prompt_template`'],
  ])('%j', (steps, expected) => {
    expect(ofSteps(...steps).join('\n')).toContain(expected)
  })

  test('the last that needs the work tree may be followed by a cleanup', () => {
    expect(ofSteps(run, cleanup, '{ name: z, action: log, inputs: { message: done } }')).toEqual([])
  })

  test('an inner step with more time than what is around it', () => {
    const inner = '{ name: i, command: x, timeout: 90 }'
    expect(ofSteps(`{ name: p, type: parallel, timeout: 60, steps: [ ${inner} ] }`).join()).toContain(
      'warning: `i` has 90 seconds, but `p` around it ends after 60.',
    )
    expect(ofSteps(`{ name: p, type: parallel, timeout: 90, steps: [ ${inner} ] }`)).toEqual([])
    const limited = (step: string) => problemsOf(`name: w\nlimits: { max_minutes: 1 }\nsteps: [ ${step} ]`)
    expect(limited(inner).join()).toContain('`limits.max_minutes` around it ends after 60')
    expect(limited('{ name: b, type: approval, shows: x, timeout: 86400 }')).toEqual([])
  })
})

describe('names', () => {
  test.each([
    ['{ name: constructor, command: x }', '3:13 error: The name `constructor` is out of reach'],
    [`{ name: a, ${task}, outputs: { task: __proto__ } }`, 'error: The name `__proto__` is out of reach'],
    [`{ name: a, ${task}, outputs: { task: a.prototype.b } }`, 'error: The name `prototype` is out of reach'],
    [`{ name: a, ${task}, outputs: { task: my-task } }`, 'Write `my_task`.'],
    [`{ name: a, ${task}, outputs: { task: steps } }`, "`steps` is the system's own name"],
    [`{ name: a, ${task}, outputs: { task: t..b } }`, 'has a dot with no name behind it'],
    [set('a', 'not'), '`not` is a word of expressions'],
    [`{ name: l, for_each: [1], as: task, max_iterations: 1, steps: [ ${run} ] }`, 'would hide `task`'],
    [`{ name: l, for_each: [1], as: loop, max_iterations: 1, steps: [ ${run} ] }`, "`loop` is the system's own name"],
    [`{ name: l, for_each: [1], as: v, max_iterations: 1, steps: [ ${set('s', 'v')} ] }`, 'A step sets `v`'],
    [
      `{ name: l, for_each: [1], max_iterations: 1, steps: [ { name: m, for_each: [1], max_iterations: 1, steps: [ ${run} ] } ] }`,
      'warning: The loop `m` hides the `item` of the loop around it',
    ],
  ])('%s', (step, expected) => {
    expect(ofSteps(step).join('\n')).toContain(expected)
  })

  test.each([
    ['variables: { x: 1 }\ninputs: { x: { type: number } }', '`x` is an input too'],
    ['inputs: { x: { type: number, default: one } }', 'The `default` of `x` must be a number, and this is a text.'],
    ['inputs: { x: { type: string, default: "${task.id}" } }', 'A `default` is taken as it stands.'],
    ['inputs: { x: { type: string, default: a, required: true } }', 'warning: `x` is required'],
    ['inputs: { "a b": { type: string } }', 'Write `a_b`.'],
    ['variables: { toString: "${hasOwnProperty}" }', ''],
  ])('%s', (more, expected) => {
    expect(problemsOf(`name: w\n${more}\nsteps: [ ${run} ]`).join('\n')).toContain(expected)
  })

  test.each(['loop.indx', 'steps.r.stauts', 'result.brnch'])('knows what there is, and not `%s`', (expression) => {
    const inside = `{ name: i, action: log, inputs: { message: "\${${expression}}" } }`
    const loop = `{ name: l, for_each: [1], max_iterations: 1, steps: [ ${inside} ] }`
    const undone = `{ name: b, ${branch}, rollback: { plugin: version_control, action: delete_branch, inputs: { branch: "\${${expression}}" } } }`
    expect(ofSteps(run, expression.startsWith('result') ? undone : loop).join()).toContain('Did you mean')
  })
})

describe('variables where steps have no order', () => {
  test('two steps of a graph that do not need each other do not set the same', () => {
    const told = ofSteps(set('a', 'v'), set('b', 'v'), set('c', 'w', ', needs: [a]'))
    expect(told.join()).toContain('`a` and `b` both set `v`, at the same time')
    expect(ofSteps(set('a', 'v'), set('b', 'v', ', needs: [a]'), set('c', 'v', ', needs: [b]'))).toEqual([])
    const inside = `{ name: c, condition: "\${task.epic}", then: [ ${set('d', 'v')} ] }`
    expect(ofSteps(set('a', 'v'), inside, set('e', 'w', ', needs: [a]')).join()).toContain('`a` and `c` both set `v`')
  })

  test('a step of a graph sees what its needs set, however far away, and in whatever order they stand', () => {
    const steps = [set('c', 'w', ', needs: [b]').replace('1', '"${v}"'), set('b', 'x', ', needs: [a]'), set('a', 'v')]
    expect(ofSteps(...steps)).toEqual([])
    expect(
      ofSteps(set('c', 'w').replace('1', '"${v}"'), set('b', 'x', ', needs: [a]'), set('a', 'v')).join(),
    ).toContain('`v` is used before the step `a` sets it')
  })

  test('a branch of a parallel group does not see what another sets', () => {
    const reader = '{ name: b, action: log, inputs: { message: "${v}" } }'
    expect(ofSteps(`{ name: p, type: parallel, steps: [ ${set('a', 'v')}, ${reader} ] }`).join()).toContain(
      '`v` is used before',
    )
    expect(ofSteps(`{ name: p, type: parallel, steps: [ ${set('a', 'v')} ] }`, reader)).toEqual([])
  })

  test('what a construct sets is not sure where it may fail and the run goes on', () => {
    const reader = '{ name: b, action: log, inputs: { message: "${v}" } }'
    const both = `then: [ ${set('a', 'v')} ], else: [ ${set('d', 'v')} ]`
    expect(ofSteps(`{ name: c, condition: "\${task.epic}", ${both} }`, reader)).toEqual([])
    expect(ofSteps(`{ name: c, condition: "\${task.epic}", on_error: continue, ${both} }`, reader).join()).toContain(
      'warning: `v` may not be set here',
    )
  })
})

describe('what constructs give', () => {
  test.each([
    [`{ name: p, type: parallel, steps: [ ${run} ], outputs: { results: a, failed: b, skipped: c } }`, ''],
    [`{ name: l, for_each: [1], max_iterations: 1, steps: [ ${run} ], outputs: { iterations: a, results: b } }`, ''],
    ['{ name: b, type: approval, shows: x, outputs: { approved: a, decided_by: b, comment: c, asked: d } }', ''],
    ['{ name: b, type: wait, seconds: 1, outputs: { event: a, waited_seconds: b } }', ''],
    [
      `{ name: p, type: parallel, steps: [ ${run} ], outputs: { result: a } }`,
      'gives no `result`. Did you mean `results`?',
    ],
    ['{ name: b, type: approval, shows: x, outputs: { aproved: a } }', 'gives no `aproved`. Did you mean `approved`?'],
    [`{ name: c, condition: x, then: [ ${run} ], outputs: { a: b } }`, 'gives no `a`. It gives nothing.'],
  ])('%s', (step, expected) => {
    const told = ofSteps(step).filter((one) => one.includes('gives no'))
    if (expected === '') expect(told).toEqual([])
    else expect(told.join()).toContain(expected)
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { actionSpecs } from '../actions/specs.ts'
import { agentSpecs } from './agent-specs.ts'
import { type CheckContext, checkWorkflow } from './check-workflow.ts'
import { test as holds, render } from './expressions.ts'
import { parseWorkflow } from './parse-workflow.ts'
import type { Scope } from './scope.ts'

const prompts: Record<string, string> = {
  'prompts/development.njk': 'Do {{ task.title }}{% if design %}{{ design }}{% endif %}',
  'needs_more.njk': '{{ task.title }}\n{{ tickett }}',
  'broken.njk': '{{ task.title | uper }}\n{% if %}',
}

const { definition: reviewWorkflow } = parseWorkflow(
  'name: review_workflow\ninputs: { change: { type: object, required: true } }\nsteps: [ { name: a, command: x } ]',
  'review_workflow.yaml',
)

const context: CheckContext = {
  actions: actionSpecs,
  agents: agentSpecs,
  configuredPlugins: ['task_management', 'version_control'],
  readPrompt: (reference) => prompts[reference] ?? null,
  workflows: new Map([['review_workflow', reviewWorkflow]]),
}

const check = (text: string) => checkWorkflow(text, 'w.yaml', context)
const problemsOf = (text: string): string[] =>
  check(text).problems.map(({ line, column, severity, message }) => `${line}:${column} ${severity}: ${message}`)
const ofSteps = (...steps: string[]): string[] =>
  problemsOf(`name: w\nsteps:\n${steps.map((step) => `  - ${step}`).join('\n')}`)

const getTask = '{ name: get, plugin: task_management, action: get_task, outputs: { task: task_data } }'
const log = (name: string, message: string, more = ''): string =>
  `{ name: ${name}, action: log, inputs: { message: ${JSON.stringify(message)} }${more} }`
const set = (name: string, variable: string, more = ''): string =>
  `{ name: ${name}, action: set, inputs: { ${variable}: 1 }${more} }`

const shipped = readFileSync(new URL('../../../workflows/standard_dev_workflow.yaml', import.meta.url), 'utf8')

describe('the workflow that ships', () => {
  const { definition } = parseWorkflow(shipped, 'standard_dev_workflow.yaml')
  const task = { title: 'Greet: "Zoë" & co; rm -rf /', description: 'Say hello', acceptance_criteria: [] }
  const scopeOf = (values: Record<string, unknown>): Scope => ({
    get: (name) => values[name],
    names: () => Object.keys(values),
  })

  test('names a branch that git takes, whatever the title', () => {
    const values = {
      task,
      task_id: '7',
      run: { id: 'run_0m3abcdefghijklmnopqr2' },
      config: { branch_prefix: 'journeyman/' },
    }
    const run_mark = render(definition!.variables['run_mark'], scopeOf(values))
    const branch = render(definition!.variables['branch_name'], scopeOf({ ...values, run_mark }))
    expect(branch).toBe('journeyman/7-greet-zoe-co-rm-rf-0m3apqr2')
  })

  test.each([
    [{}, false],
    [{ task: { ...task, description: '  ' } }, false],
    [{ task: { ...task, description: null } }, false],
    [{ task: { ...task, description: '', acceptance_criteria: ['it greets'] } }, true],
    [{ task }, true],
  ])('begins with a ticket that says something: %j', (values, expected) => {
    expect(definition!.prerequisites.every(({ condition }) => holds(condition, scopeOf(values)))).toBe(expected)
  })
})

describe('what is good', () => {
  test('the workflow that ships', () => {
    const readPrompt = (reference: string) => readFileSync(new URL(`../../../${reference}`, import.meta.url), 'utf8')
    expect(checkWorkflow(shipped, 'standard_dev_workflow.yaml', { ...context, readPrompt }).problems).toEqual([])
  })

  test('in the example of every construct, only what it leaves open is told', () => {
    const text = readFileSync(new URL('./testing/every-construct.yaml', import.meta.url), 'utf8')
    const { problems } = check(text)
    const told = problems.filter(({ severity }) => severity === 'error').map(({ message }) => message)
    expect(told).toEqual([
      'There is no prompt `./prompts/code_generation.njk`.',
      'Nothing sets `plan`.',
      'Nothing sets `plan`.',
      'Nothing sets `pr_data`.',
    ])
  })

  test('names that are surely set', () => {
    expect(ofSteps(getTask, log('say', 'x ${task_data.title} ${steps.get.status} ${run.id}'))).toEqual([])
    const both = '{ name: c, type: conditional, condition: "${task.epic}", then: [ %1 ], else: [ %2 ] }'
    expect(ofSteps(both.replace('%1', set('a', 'v')).replace('%2', set('b', 'v')), log('say', '${v}'))).toEqual([])
    const guarded = ', condition: "${task.epic}"'
    expect(ofSteps(set('a', 'v', guarded), log('say', '${v}', guarded), log('or', "${v | default('')}"))).toEqual([])
    expect(ofSteps(set('b', 'w', ', needs: [a]'), log('say', '${v}${w}', ', needs: [b]'), set('a', 'v'))).toEqual([])
  })
})

describe('names that do not exist', () => {
  test.each([
    [
      '{ name: a, plugin: task_managment, action: get_task }',
      '3:24 error: There is no plugin category `task_managment`. Did you mean `task_management`?',
    ],
    [
      '{ name: a, plugin: task_management, action: get_tsk }',
      '3:49 error: `task_management` has no action `get_tsk`. Did you mean `get_task`?',
    ],
    ['{ name: a, type: system, action: clenup }', 'There is no system action `clenup`. Did you mean `cleanup`?'],
    [
      '{ name: a, type: ai_action, agent: develpment, prompt: x }',
      'There is no agent `develpment`. Did you mean `development`?',
    ],
    ['{ name: a, type: workflow, uses: reviewworkflow }', 'Did you mean `review_workflow`?'],
    ['{ name: a, type: ai_action, prompt_template: nope.njk }', 'There is no prompt `nope.njk`.'],
    [log('a', '${task.title | uper}'), '3:64 error: There is no filter `uper`. Did you mean `upper`?'],
    [log('a', '${task.title is strin}'), 'There is no test `strin`. Did you mean `string`?'],
    [log('a', '${rang(3)}'), 'There is no function `rang`'],
    [log('a', '${task.titel}'), '3:51 error: `task` has no `titel`. Did you mean `title`?'],
    [log('a', '${steps.b.status}'), 'There is no step `b`.'],
    [log('a', '${tsk.title}'), 'Nothing sets `tsk`. Did you mean `task`?'],
    [
      '{ name: a, plugin: communication, action: send_message, inputs: { channel: c, message: m } }',
      'error: No `communication` is configured.',
    ],
    [
      '{ name: a, plugin: communication, action: send_message, on_error: continue, inputs: { channel: c, message: m } }',
      'warning: No `communication` is configured: the step will be skipped.',
    ],
    [
      '{ name: a, plugin: task_management, action: get_task, outputs: { tsk: t } }',
      'gives no `tsk`. Did you mean `task`?',
    ],
    [`${log('a', 'x', ', needs: [b]')}`, 'There is no step `b` in the same list.'],
  ])('%s', (step, expected) => {
    expect(ofSteps(step).join('\n')).toContain(expected)
  })

  test('overrides and triggers', () => {
    const steps = `steps:\n  - ${log('a', 'x')}`
    expect(problemsOf(`name: w\n${steps}\nerror_handling: { step_overrides: { aa: fail } }`)).toEqual([
      '4:37 error: There is no step `aa`. Did you mean `a`?',
    ])
    expect(problemsOf(`name: w\non: [ { event: issue.opened, label: ai } ]\n${steps}`)[0]).toContain(
      '`issue.opened` brings no `label`',
    )
  })
})

describe('inputs', () => {
  test.each([
    ['update_task_status', '{}', 'needs `status`, which is not given'],
    ['update_task_status', '{ status: started }', '`status` of `task_management.update_task_status` does not fit'],
    ['update_task_status', '{ status: "${task.status}" }', ''],
    ['update_task_status', '{ status: done, coment: x }', 'takes no `coment`. Did you mean `comment`?'],
    ['add_comment', '{ comment: [1] }', '`comment` of `task_management.add_comment` does not fit'],
    ['get_task', '{ task_id: 12 }', ''],
  ])('%s %s', (action, inputs, expected) => {
    const told = ofSteps(`{ name: a, plugin: task_management, action: ${action}, inputs: ${inputs} }`)
    if (expected === '') expect(told).toEqual([])
    else expect(told.join('\n')).toContain(expected)
  })

  test('two spellings of one input are known, but not both at once', () => {
    const create = (inputs: string) =>
      ofSteps(`{ name: a, plugin: version_control, action: create_branch, inputs: ${inputs} }`)
    expect(create('{ branch_name: b, repository_url: r }')).toEqual([])
    expect(create('{ branch_name: b, branch: b }').join('\n')).toContain('given twice')
  })
})

describe('variables', () => {
  test('used before any step sets them', () => {
    expect(ofSteps(log('say', '${task_data.title}'), getTask)).toEqual([
      '3:53 error: `task_data` is used before the step `get` sets it.',
    ])
  })

  test('set only on a way that may not be gone', () => {
    expect(ofSteps(set('a', 'v', ', condition: "${task.epic}"'), log('say', '${v}')).join()).toContain(
      'error: `v` may not be set here: it is set only by the step `a`, whose condition may not hold',
    )
    const branch = `{ name: c, type: conditional, condition: "\${task.epic}", then: [ ${set('a', 'v')} ] }`
    expect(ofSteps(branch, log('say', '${v}')).join()).toContain(
      'error: `v` may not be set here: it is set only in one branch of `c`',
    )
    expect(ofSteps(set('a', 'v', ', on_error: continue'), log('say', '${v}')).join()).toContain(
      'warning: `v` may not be set here',
    )
    const loop = `{ name: l, type: loop, for_each: [1], max_iterations: 2, steps: [ ${set('a', 'v')}, ${log('in', '${item} ${v}')} ] }`
    expect(ofSteps(loop, log('say', '${v}')).join()).toContain('may run no time')
    expect(ofSteps(loop, log('say', '${item}')).join()).toContain('Nothing sets `item`')
  })

  test('of the file, needing what is not there yet, or each other', () => {
    const told = (variables: string, message: string): string =>
      problemsOf(`name: w\nvariables: ${variables}\nsteps:\n  - ${log('say', message)}\n  - ${getTask}`).join('\n')
    expect(told('{ a: "${task_data.title}" }', '${a}')).toContain(
      'The variable `a` needs `task_data`, which the step `get` sets only later.',
    )
    expect(told('{ a: "${b}", b: "${a}" }', '${a}')).toContain('in a circle: a -> b -> a')
    expect(told('{ a: "${tsk}" }', '${a}')).toContain('The variable `a` needs `tsk`, which nothing sets.')
    expect(told('{ a: "${task | uper}" }', 'x')).toContain('There is no filter `uper`')
  })

  test('inputs that may be missing, and subjects that the triggers do not bring', () => {
    const text = (more: string, message: string): string => `name: w\n${more}\nsteps:\n  - ${log('say', message)}`
    expect(problemsOf(text('inputs: { x: { type: string } }', '${x}')).join()).toContain(
      'neither required nor has a default',
    )
    expect(problemsOf(text('inputs: { x: { type: string, default: y } }', '${x}'))).toEqual([])
    expect(problemsOf(text('on: [ { event: change.reviewed } ]', '${task.title}')).join()).toContain(
      'Nothing sets `task`',
    )
    expect(problemsOf(text('on: [ { event: change.reviewed } ]', '${change.titel}')).join()).toContain(
      'Did you mean `title`?',
    )
  })

  test('written twice at the same time', () => {
    const group = `{ name: p, type: parallel, steps: [ ${set('a', 'v')}, ${set('b', 'v')} ] }`
    expect(ofSteps(group).join()).toContain('`a` and `b` both set `v`, at the same time')
  })

  test('in a graph, set by a step that is not needed', () => {
    const told = ofSteps(set('a', 'v'), log('b', 'x', ', needs: [a]'), log('c', '${v}', ', needs: []'))
    expect(told.join()).toContain('`v` is used before the step `a` sets it')
  })

  test('after a failure', () => {
    const text = `name: w\nsteps:\n  - ${getTask}\npost_execution: { on_failure: [ ${log('say', '${task_data.title}')} ] }`
    expect(problemsOf(text).join()).toContain('warning: `task_data` may not be set here: the run may have failed')
  })
})

describe('files that would keep the checker busy', () => {
  const timesUsed = (name: number): string => `v${name}: "\${v${name + 1}}\${v${name + 1}}\${v${name + 1}}"`
  const busy: [string, string][] = [
    [
      'variables that double',
      `name: w\nvariables: { ${Array.from({ length: 60 }, (_, at) => timesUsed(at)).join(', ')}, v60: "x" }\nsteps:\n  - ${log('a', '${v0}')}`,
    ],
    [
      'steps that all need each other',
      `name: w\nsteps:\n${Array.from({ length: 150 }, (_, at) => `  - ${log(`s${at}`, '${x}', `, needs: [${Array.from({ length: 40 }, (_, other) => `s${(at + other + 1) % 150}`)}]`)}`).join('\n')}`,
    ],
    [
      'a great many steps in one another',
      `name: w\nsteps:\n  - { name: p, type: parallel, steps: [ ${Array.from({ length: 4000 }, (_, at) => `{ name: s${at}, command: "\${nope}" }`).join(', ')} ] }`,
    ],
    ['what might be a JWT', `name: w\nvariables: { a: "${'eyJ-'.repeat(50_000)}" }\nsteps:\n  - ${log('a', 'x')}`],
  ]
  test.each(busy)('%s', (_name, text) => {
    expect(() => check(text)).not.toThrow()
  })
})

describe('the rest', () => {
  test.each([
    ['duplicate names', [log('a', 'x'), log('a', 'y')], '4:13 error: There is a step named `a` already, at line 3.'],
    ['cycles', [log('a', 'x', ', needs: [b]'), log('b', 'y', ', needs: [a]')], 'in a circle: a -> b -> a'],
    ['an expression that cannot be read', [log('a', '${task.title |}')], '3:'],
    ['an expression that is not closed', [log('a', 'x ${task.title')], '3:51 error: This `${` is not closed by `}`.'],
    ['a condition of two parts', [log('a', 'x', ', condition: "${task.id} == 3"')], 'is not one expression'],
    ['a wait without an end', ['{ name: a, type: wait, event: checks.completed }'], 'it may wait for ever'],
    ['a retry that does nothing', [log('a', 'x', ', retry_count: 2')], 'warning: `retry_count` does nothing'],
    ['a token', [log('a', `token ghp_${'a1'.repeat(18)}`)], 'This looks like a GitHub token in plain text'],
    ['a password', ['{ name: a, action: set, inputs: { db_password: hunter22 } }'], '`db_password` holds a secret'],
    [
      'a prompt that is not given all',
      ['{ name: a, type: ai_action, prompt_template: needs_more.njk }'],
      'line 2: it uses `tickett`, which the step does not give',
    ],
    [
      'a prompt that cannot be read',
      ['{ name: a, type: ai_action, prompt_template: broken.njk }'],
      'The prompt `broken.njk`',
    ],
    ['a prompt that reaches out', [log('a', "${''['constructor']}")], '`constructor`, which is out of reach'],
  ])('%s', (_name, steps, expected) => {
    expect(ofSteps(...steps).join('\n')).toContain(expected)
  })

  test('errors leave no definition, warnings do', () => {
    expect(check(`name: w\nsteps:\n  - ${log('a', '${nope}')}`).definition).toBeNull()
    expect(check(`name: w\nsteps:\n  - ${log('a', 'x', ', retry_count: 2')}`).definition).not.toBeNull()
  })
})

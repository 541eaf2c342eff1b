import { describe, expect, test } from 'vitest'
import { fc, times } from '../../../test/at-random.ts'
import { actionSpecs } from '../actions/specs.ts'
import { agentSpecs } from './agent-specs.ts'
import { type CheckContext, checkWorkflow } from './check-workflow.ts'
import type { Problem } from './definition.ts'
import { parseWorkflow } from './parse-workflow.ts'
import { namedWorkflow, type Raw } from './testing/named-workflow.ts'

const used =
  'name: used\ninputs: { needed: { type: string, required: true } }\nsteps: [ { name: a, action: set, inputs: { kept: 1 } } ]'

const context: CheckContext = {
  actions: actionSpecs,
  agents: agentSpecs,
  configuredPlugins: ['task_management', 'version_control'],
  readPrompt: (reference) => (reference === 'a.njk' ? 'Do {{ task.title }} {{ design }}' : null),
  workflows: new Map([['used', parseWorkflow(used, 'used.yaml').definition]]),
}

const check = (raw: unknown): Problem[] => checkWorkflow(JSON.stringify(raw), 'w.yaml', context).problems
const formOf = (raw: unknown): Problem[] => parseWorkflow(JSON.stringify(raw), 'w.yaml').problems

/** Without the words that depend on what else is there: what is suggested, which step is named, why a name is not set. */
const same = ({ path, message, severity }: Problem): string => {
  const unset =
    /^(?:Nothing sets|The variable `\w+` needs)? ?(`[\w?]+`)(?: is used before|\.| may not be set|, which|:)/.exec(
      message,
    )
  if (unset) return `unset at ${path}: ${unset[1]}`
  if (message.includes('in a circle')) return circle
  const said = message
    .replace(/`(?:s\d+|\?|twice)`/g, 'a step')
    .replace(/ Did you mean.*| There (?:are|is) .*| It (?:takes|gives|brings) .*| but .* around it .*/s, '')
  return `${severity} at ${path}: ${said}`
}

/** It may be told at any of its steps. */
const circle = 'a circle'

type Place = readonly (string | number)[]

const placesIn = (value: unknown, path: Place = []): Place[] =>
  typeof value === 'object' && value !== null
    ? [
        path,
        ...Object.entries(value).flatMap(([key, inner]) =>
          placesIn(inner, [...path, Array.isArray(value) ? Number(key) : key]),
        ),
      ]
    : [path]

const changed = (value: unknown, path: Place, change: (holder: Raw, key: string) => void): unknown => {
  const copy = structuredClone(value)
  const holder = path.slice(0, -1).reduce<unknown>((inner, key) => (inner as Raw)[key as string], copy)
  change(holder as Raw, String(path.at(-1)))
  return copy
}

const breaks: ((holder: Raw, key: string) => void)[] = [
  (holder, key) => put(holder, key, 5),
  (holder, key) => put(holder, key, null),
  (holder, key) => put(holder, key, ['v1', 7]),
  (holder, key) => put(holder, key, typeof holder[key] === 'object' ? 7 : { v1: 'v2' }),
  (holder, key) => put(holder, key, 'No Such Thing'),
  (holder, key) => rename(holder, key, null),
  (holder, key) => rename(holder, key, `${key}x`),
  (holder, key) => rename(holder, key, key.slice(1)),
  (holder, key) => rename(holder, key, key, { zzz: 1 }),
]

const put = (holder: Raw, key: string, value: unknown): void => {
  holder[key] = value
}

/** In a list nothing has a name: there it does nothing. */
const rename = (holder: Raw, key: string, other: string | null, more: Raw = {}): void => {
  if (Array.isArray(holder)) return
  const entries = Object.entries(holder).map(([name, value]) => [name === key ? other : name, value] as const)
  for (const name of Object.keys(holder)) delete holder[name]
  Object.assign(holder, Object.fromEntries(entries.filter(([name]) => name !== null)), more)
}

const messagesOf = (problems: Problem[]): string[] => problems.map(({ message }) => message).sort()

describe('whatever is broken', () => {
  test('what is told of names beside it is told when it is mended too, and nothing twice', () => {
    fc.assert(
      fc.property(namedWorkflow, fc.nat(), fc.nat(), (raw, at, how) => {
        const places = placesIn(raw).slice(1)
        const place = places[at % places.length]!
        const broken = changed(raw, place, breaks[how % breaks.length]!)
        const form = formOf(broken)
        fc.pre(form.length > 0)
        expect(formOf(raw)).toEqual([])
        const told = check(broken)
        const isForm = (one: Problem) => form.some(({ path, message }) => path === one.path && message === one.message)
        const isThere = ({ path }: Problem) => `${path}.`.startsWith(`${place.join('.')}.`) || path.endsWith('.zzz')
        const names = told.filter((one) => !isForm(one) && !isThere(one)).map(same)
        const mended = new Set(check(raw).map(same))
        expect(names.filter((one) => !mended.has(one) && one !== circle)).toEqual([])
        expect(form.map(same).filter((one) => !told.map(same).includes(one))).toEqual([])
        const places_ = told.map(({ line, column, message }) => `${line}:${column} ${message}`)
        expect(new Set(places_).size).toBe(places_.length)
      }),
      { numRuns: times(150) },
    )
  })

  const names: [string, Raw, string][] = [
    ['a variable', { name: 'bad', command: '${nowhere_else}' }, 'Nothing sets `nowhere_else`.'],
    ['a member', { name: 'bad', command: '${actor.loginn}' }, '`actor` has no `loginn`. Did you mean `login`?'],
    ['a filter', { name: 'bad', command: '${actor.login | uper}' }, 'There is no filter `uper`. Did you mean `upper`?'],
    ['a test', { name: 'bad', command: '${1 is strin}' }, 'There is no test `strin`. Did you mean `string`?'],
    ['an expression', { name: 'bad', command: '${actor.login' }, 'This `${` is not closed by `}`.'],
    ['a step', { name: 'bad', command: '${steps.nobody.status}' }, 'There is no step `nobody`.'],
    ['a need', { name: 'bad', command: 'x', needs: ['nobody'] }, 'There is no step `nobody` in the same list.'],
    ['a circle', { name: 'bad', command: 'x', needs: ['bad'] }, 'These steps need each other in a circle: bad -> bad.'],
    [
      'a category',
      { name: 'bad', plugin: 'task_managment', action: 'get_task' },
      'There is no plugin category `task_managment`. Did you mean `task_management`?',
    ],
    [
      'an action',
      { name: 'bad', plugin: 'task_management', action: 'get_tsk' },
      '`task_management` has no action `get_tsk`. Did you mean `get_task`?',
    ],
    [
      'an input',
      { name: 'bad', plugin: 'task_management', action: 'add_comment', inputs: { coment: 'x', comment: 'x' } },
      '`task_management.add_comment` takes no `coment`. Did you mean `comment`?',
    ],
    [
      'an agent',
      { name: 'bad', type: 'ai_action', agent: 'develpment', prompt: 'x' },
      'There is no agent `develpment`. Did you mean `development`?',
    ],
    ['a prompt', { name: 'bad', type: 'ai_action', prompt_template: 'nope.njk' }, 'There is no prompt `nope.njk`.'],
    ['a workflow', { name: 'bad', uses: 'usd' }, 'There is no workflow `usd`. Did you mean `used`?'],
    [
      'a secret',
      { name: 'bad', action: 'set', inputs: { db_password: 'hunter22' } },
      '`db_password` holds a secret in plain text, it seems. Keep it in the configuration instead.',
    ],
  ]
  test.each(names)('%s that is not there is told beside it', (_name, bad, expected) => {
    const forms: ((raw: Raw) => void)[] = [
      (raw) => put(raw, 'zzz', 1),
      (raw) => put(raw, 'limits', { max_cost: 5 }),
      (raw) => put(raw, 'on', [{ event: 'issue.labelled' }]),
      (raw) => put((raw['steps'] as Raw[])[0]!, 'retries', 3),
      (raw) => put((raw['steps'] as Raw[])[0]!, 'on_error', 'retyr'),
      (raw) => put((raw['steps'] as Raw[])[0]!, 'timeout', 'long'),
      (raw) => put((raw['steps'] as Raw[])[0]!, 'type', 'rnu'),
      (raw) => put((raw['steps'] as Raw[])[0]!, 'command', 7),
      (raw) => put(raw, 'post_execution', { always: [{ acton: 'cleanup' }] }),
    ]
    for (const damage of forms) {
      const raw: Raw = { name: 'w', steps: [{ name: 'good', command: 'x' }, structuredClone(bad)] }
      expect(check(raw).map(({ message }) => message)).toEqual([expected])
      damage(raw)
      const form = formOf(raw).map(({ message }) => message)
      expect(form.length).toBeGreaterThan(0)
      // Who may be named by what is broken is not said to be missing.
      const isOpen = raw['post_execution'] !== undefined && expected === 'There is no step `nobody`.'
      expect(messagesOf(check(raw))).toEqual([...form, ...(isOpen ? [] : [expected])].sort())
    }
  })
})

/** One mistake of each kind a line. */
const everyKind = `
name: w
varaibles: { later: 1 }
on:
  - { event: issue.labelled, label: ai }
  - { event: issue.opened, label: ai }
inputs: { odd: { type: strin }, plain: { type: string, default: 1 } }
limits: { max_cost: 5 }
error_handling: { default_strategy: retyr, step_overrides: { nobody: fail } }
prerequisites:
  - { condition: "\${task.titel}" }
steps:
  - { name: a, command: x, retries: 3, outputs: { exit_cod: code } }
  - { name: b, command: 7, needs: [c] }
  - { name: c, command: "\${later} \${odd} \${code} \${unknown_one}", needs: [b] }
  - { name: d, type: lop, for_each: "\${task.labels}", steps: [ { name: e, command: "\${item} \${unknown_two}" } ] }
  - { name: f, type: loop, for_each: [1], steps: [ { name: a, command: "\${1 | uper}" } ] }
  - { name: g, type: parallel, steps: { name: h } }
  - { name: i, plugin: task_managment, action: get_task, on_error: retyr }
  - { name: j, plugin: task_management, action: add_comment, input: { comment: x } }
  - { name: k, type: ai_action, agent: develpment, prompt: 7 }
  - { name: l, type: ai_action, prompt_template: nope.njk, timeout: long }
  - { name: m, plugin: version_control, action: delete_branch, inputs: [main] }
  - { name: n, action: set, inputs: { db_password: hunter22 }, command: x }
  - just a text
`.trim()

test('a file with a mistake of every kind tells them all, and none that is none', () => {
  const { definition, problems } = checkWorkflow(everyKind, 'w.yaml', context)
  expect(definition).toBeNull()
  expect(problems.map(({ line, column, message }) => `${line}:${column} ${message}`)).toMatchInlineSnapshot(`
    [
      "2:1 There is no key \`varaibles\` here. Did you mean \`variables\`?",
      "4:14 \`event\` must be one of issue.labeled, issue.opened, issue.assigned, task.transitioned, task.assigned, task.labeled, change.labeled, change.commented, change.reviewed, change.merged, change.closed, checks.failed, checks.completed, command.given, message.mentioned, schedule.due, api.requested. Did you mean \`issue.labeled\`?",
      "5:28 \`issue.opened\` brings no \`label\`. It brings nothing to match on.",
      "6:24 \`type\` must be one of string, number, boolean, list, object. Did you mean \`string\`?",
      "6:65 The \`default\` of \`plain\` must be a text, and this is a number.",
      "7:11 There is no key \`max_cost\` here. Did you mean \`max_cost_usd\`?",
      "8:37 \`default_strategy\` must be one of fail, retry, continue, rollback. Did you mean \`retry\`?",
      "10:5 \`error_message\` is missing.",
      "12:28 There is no key \`retries\` here. Did you mean \`retry\`?",
      "12:51 The run \`a\` gives no \`exit_cod\`. Did you mean \`exit_code\`?",
      "13:25 \`command\` must be a text (numbers and the like in quotes).",
      "13:35 These steps need each other in a circle: b -> c -> b.",
      "15:22 There is no step type \`lop\`. Did you mean \`loop\`?",
      "15:95 Nothing sets \`unknown_two\`.",
      "16:5 \`max_iterations\` is missing.",
      "16:60 There is a step named \`a\` already, at line 12.",
      "16:79 There is no filter \`uper\`. Did you mean \`upper\`?",
      "17:39 \`steps\` must be a list.",
      "18:24 There is no plugin category \`task_managment\`. Did you mean \`task_management\`?",
      "18:68 \`on_error\` must be one of fail, retry, continue, rollback. Did you mean \`retry\`?",
      "19:62 There is no key \`input\` here. Did you mean \`inputs\`?",
      "20:40 There is no agent \`develpment\`. Did you mean \`development\`?",
      "20:60 \`prompt\` must be a text (numbers and the like in quotes).",
      "21:50 There is no prompt \`nope.njk\`.",
      "21:69 \`timeout\` must be a number.",
      "22:72 \`inputs\` must be an object.",
      "23:16 A \`run\` step takes no \`action\`: it belongs to plugin, system.",
      "23:29 A \`run\` step takes no \`inputs\`: it belongs to plugin, ai_action, workflow, system.",
      "24:5 A step must be an object with a name.",
    ]
  `)
})

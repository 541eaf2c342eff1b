import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from '../../domain/errors.ts'
import { actionSpecs } from '../actions/specs.ts'
import { agentSpecs } from './agent-specs.ts'
import type { LoadedWorkflow } from './definition.ts'
import { eventsWaitedFor } from './events-waited-for.ts'
import { loadWorkflows, pinnedUse } from './load-workflows.ts'

let home: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'used-'))
  for (const folder of ['mine', 'mine/prompts', 'theirs', 'theirs/prompts', 'installed/prompts']) {
    mkdirSync(join(home, folder), { recursive: true })
  }
  writeFileSync(join(home, 'installed/prompts/system.njk'), 'You write code.')
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const write = (path: string, text: string): void => writeFileSync(join(home, path), text)
const load = (folders: string[] = ['mine'], previous: readonly LoadedWorkflow[] = []) =>
  loadWorkflows(
    folders.map((folder) => join(home, folder)),
    {
      actions: actionSpecs,
      agents: agentSpecs,
      configuredPlugins: ['task_management'],
      installation: join(home, 'installed'),
      alsoPinned: ['prompts/system.njk'],
      previous,
    },
  )
const named = (workflows: readonly LoadedWorkflow[], name: string) =>
  workflows.find(({ definition }) => definition.name === name)
const told = (problems: { file: string; line: number; column: number; message: string }[]): string[] =>
  problems.map(({ file, line, column, message }) => `${file.replace(`${home}/`, '')}:${line}:${column} ${message}`)

const workflow = (name: string, ...steps: string[]): string => `name: ${name}\nsteps:\n  - ${steps.join('\n  - ')}\n`
const using = (name: string, more = ''): string => `{ name: use_${name}, type: workflow, uses: ${name}${more} }`
const command = '{ name: a, command: npm test }'
const agent = (reference: string): string => `{ name: think, type: ai_action, prompt_template: ${reference} }`

describe('what a run is pinned to', () => {
  beforeEach(() => {
    write('mine/prompts/p.njk', 'mine')
    write('theirs/prompts/p.njk', 'theirs')
    write(
      'theirs/low.yaml',
      workflow('low', agent('prompts/p.njk'), '{ name: w, type: wait, event: change.merged, timeout: 9 }'),
    )
    write('mine/middle.yaml', workflow('middle', agent('prompts/p.njk'), using('low')))
    // Read before what they use.
    write('mine/a_top.yaml', workflow('top', using('middle'), using('low')))
  })

  test('holds the workflows that it uses, each with its own prompts and those that all share', () => {
    const { workflows, problems } = load(['theirs', 'mine'])
    expect(problems).toEqual([])
    const top = named(workflows, 'top')!
    expect(Object.keys(top.prompts).sort()).toEqual([
      'prompts/system.njk',
      'workflow:low',
      'workflow:low/prompts/p.njk',
      'workflow:middle',
      'workflow:middle/prompts/p.njk',
    ])
    const middle = pinnedUse(top.prompts, 'middle')
    expect(middle.definition).toEqual(named(workflows, 'middle')?.definition)
    expect(middle.prompts).toMatchObject({ 'prompts/p.njk': 'mine', 'prompts/system.njk': 'You write code.' })
    const low = pinnedUse(middle.prompts, 'low')
    expect(low.definition).toEqual(named(workflows, 'low')?.definition)
    expect(low.prompts).toMatchObject({ 'prompts/p.njk': 'theirs', 'prompts/system.njk': 'You write code.' })
  })

  test('is another where a used workflow or its prompt is another', () => {
    const hash = () => named(load(['theirs', 'mine']).workflows, 'top')?.hash
    const first = hash()
    expect(hash()).toBe(first)
    write('theirs/prompts/p.njk', 'changed')
    const second = hash()
    expect(second).not.toBe(first)
    write('theirs/low.yaml', workflow('low', agent('prompts/p.njk'), command))
    expect(hash()).not.toBe(second)
  })

  test('says what it may wait for, in the workflows that it uses too', () => {
    const top = named(load(['theirs', 'mine']).workflows, 'top')!
    expect(eventsWaitedFor(top.definition)).toEqual([])
    expect(eventsWaitedFor(top.definition, top.prompts)).toEqual(['change.merged'])
  })

  test('does not hold what was not there', () => {
    try {
      pinnedUse({}, 'constructor')
      expect.unreachable()
    } catch (error) {
      expect(codeOf(error)).toBe('invalid_workflow')
    }
  })
})

describe('what is refused', () => {
  test('a name that is not there, and the workflow itself', () => {
    write('mine/a.yaml', workflow('alpha', using('betta')))
    write('mine/b.yaml', workflow('beta', using('beta')))
    expect(told(load().problems)).toEqual([
      'mine/a.yaml:3:46 There is no workflow `betta`. Did you mean `beta`?',
      'mine/b.yaml:3:45 The workflow `beta` uses itself, and would never end.',
    ])
  })

  test('a circle, told in each of its files, and those who use it', () => {
    write('mine/a.yaml', workflow('alpha', using('beta')))
    write('mine/b.yaml', workflow('beta', '{ name: p, type: parallel, steps: [ { name: u, uses: alpha } ] }'))
    write('mine/c.yaml', workflow('gamma', using('alpha')))
    expect(load().workflows).toEqual([])
    expect(told(load().problems)).toEqual([
      'mine/a.yaml:3:45 These workflows use each other in a circle: alpha -> beta -> alpha.',
      'mine/b.yaml:3:58 These workflows use each other in a circle: beta -> alpha -> beta.',
      expect.stringContaining('mine/c.yaml:3:5 The workflow `alpha`, which this one uses, is not good itself'),
    ])
  })

  test('more than five deep', () => {
    for (let depth = 0; depth < 7; depth++)
      write(`mine/w${depth}.yaml`, workflow(`w${depth}`, depth < 6 ? using(`w${depth + 1}`) : command))
    const { workflows, problems } = load()
    expect(workflows).toHaveLength(6)
    expect(told(problems)).toEqual([
      'mine/w0.yaml:3:43 Workflows use one another 5 deep at most; this is deeper: w0 -> w1 -> w2 -> w3 -> w4 -> w5 -> w6.',
    ])
  })

  test('inputs that the used workflow does not take as they are given', () => {
    write(
      'mine/u.yaml',
      `inputs: { count: { type: number, required: true }, task_id: { type: string, required: true }, note: { type: string } }\n${workflow('used', command)}`,
    )
    const messages = (inputs: string) => {
      write('mine/w.yaml', workflow('w', using('used', `, inputs: ${inputs}`)))
      return load().problems.map(({ message }) => message)
    }
    expect(messages('{ count: 3 }')).toEqual([])
    expect(messages('{ count: "${task.id}" }')).toEqual([])
    expect(messages('{ note: "x" }')).toEqual(['The workflow `used` needs `count`, which is not given.'])
    expect(messages('{ cuont: 3 }')).toContain('The workflow `used` takes no `cuont`. Did you mean `count`?')
    expect(messages('{ count: three }')).toEqual([
      '`count` of the workflow `used` must be a number, and this is a text.',
    ])
    expect(messages('{ count: "no ${task.id}" }')).toEqual([
      '`count` of the workflow `used` must be a number, and this is a text.',
    ])
    expect(messages('{ count: 1, note: [1] }')).toEqual([
      '`note` of the workflow `used` must be a text, and this is a list.',
    ])
  })

  test('outputs that the used workflow does not set', () => {
    write('mine/u.yaml', workflow('used', '{ name: s, action: set, inputs: { verdict: good } }'))
    write('mine/w.yaml', workflow('w', using('used', ', outputs: { verdikt: v }')))
    expect(told(load().problems)).toEqual([
      'mine/w.yaml:3:62 The workflow `used` gives no `verdikt`. Did you mean `verdict`?',
    ])
  })
})

describe('a used workflow that has become bad', () => {
  test('leaves those who use it as they were, with what they were pinned to', () => {
    write('mine/u.yaml', workflow('used', command))
    write('mine/w.yaml', workflow('w', using('used')))
    const before = load().workflows
    write('mine/u.yaml', 'name: used\nsteps: [')
    write('mine/new.yaml', workflow('new', using('used')))
    const { workflows, problems } = load(['mine'], before)
    expect(workflows).toEqual(before)
    expect(problems.filter(({ severity }) => severity === 'error').map(({ file }) => file)).toEqual(
      expect.arrayContaining([join(home, 'mine/u.yaml'), join(home, 'mine/w.yaml'), join(home, 'mine/new.yaml')]),
    )
  })
})

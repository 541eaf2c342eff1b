import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from '../../domain/errors.ts'
import type { Event } from '../../domain/event.ts'
import { actionSpecs } from '../actions/specs.ts'
import { agentSpecs } from './agent-specs.ts'
import { loadWorkflows, parsePinned } from './load-workflows.ts'
import { matchTriggers } from './match-triggers.ts'

let home: string
let workflows: string
let installation: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'workflows-'))
  workflows = join(home, 'mine')
  installation = join(home, 'installed')
  for (const folder of [
    workflows,
    join(workflows, 'prompts'),
    join(installation, 'prompts'),
    join(installation, 'workflows'),
  ]) {
    mkdirSync(folder, { recursive: true })
  }
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const context = () => ({
  actions: actionSpecs,
  agents: agentSpecs,
  configuredPlugins: ['task_management'],
  installation,
})
const write = (path: string, text: string): void => writeFileSync(join(home, path), text)
const workflow = (name: string, on: string, step = '{ name: a, command: npm test }'): string =>
  `name: ${name}\non: [ ${on} ]\nsteps:\n  - ${step}\n`
const agentStep = (reference: string): string => `{ name: a, type: ai_action, prompt_template: "${reference}" }`

describe('loading', () => {
  test.each([
    ['./prompts/p.njk', 'mine/prompts/p.njk'],
    ['prompts/p', 'mine/prompts/p.njk'],
    ['prompts/p.txt', 'mine/prompts/p.njk'],
    ['prompts/p.njk', 'installed/prompts/p.njk'],
    ['../prompts/p.njk', 'mine/prompts/p.njk'],
  ])('finds the prompt %s at %s', (reference, place) => {
    write(place, 'Do {{ task.title }}')
    const folder = reference.startsWith('..') ? join(workflows, 'deeper') : workflows
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'w.yaml'), workflow('w', '{ command: run }', agentStep(reference)))
    const loaded = loadWorkflows(folder, { ...context(), prompts: join(workflows, 'prompts') })
    expect(loaded.problems).toEqual([])
    expect(loaded.workflows[0]?.prompts).toEqual({ [reference]: 'Do {{ task.title }}' })
  })

  test.each(['../../secret.njk', '/etc/passwd', '.env', 'prompts/link.njk'])(
    'does not read %s as a prompt',
    (reference) => {
      write('secret.njk', 'secret')
      write('installed/.env', 'KEY=1')
      symlinkSync(join(home, 'secret.njk'), join(workflows, 'prompts', 'link.njk'))
      write('mine/w.yaml', workflow('w', '{ command: run }', agentStep(reference)))
      const loaded = loadWorkflows(workflows, context())
      expect(loaded.workflows).toEqual([])
      expect(loaded.problems[0]?.message).toBe(`There is no prompt \`${reference}\`.`)
    },
  )

  test('the hash is of the source and the prompts', () => {
    write('mine/w.yaml', workflow('w', '{ command: run }', agentStep('prompts/p.njk')))
    write('mine/prompts/p.njk', 'one')
    const hash = () => loadWorkflows(workflows, context()).workflows[0]?.hash
    const first = hash()
    expect(hash()).toBe(first)
    write('mine/prompts/p.njk', 'two')
    expect(hash()).not.toBe(first)
  })

  test('a bad file does not replace the good one that was loaded from it', () => {
    write('mine/w.yaml', workflow('w', '{ command: run }'))
    const good = loadWorkflows(workflows, context()).workflows
    write('mine/w.yaml', 'name: w\nsteps: [')
    const again = loadWorkflows(workflows, { ...context(), previous: good })
    expect(again.workflows).toEqual(good)
    expect(again.problems.map(({ severity }) => severity)).toContain('error')
    expect(loadWorkflows(workflows, context()).workflows).toEqual([])
  })

  test('a folder lies over another, a name is there once, and what this version does not run is refused', () => {
    write('installed/workflows/w.yaml', workflow('w', '{ command: run }'))
    write('installed/workflows/v.yaml', workflow('v', '{ command: run }'))
    write('mine/a.yaml', workflow('w', '{ command: plan }'))
    write('mine/b.yaml', workflow('w', '{ command: run }'))
    const missing = '{ name: a, plugin: task_management, action: log_time, inputs: { task_id: 1, minutes: 1 } }'
    write('mine/c.yaml', workflow('c', '{ command: run }', missing))
    const canDo = (_category: string, action: string) => action !== 'log_time'
    const loaded = loadWorkflows([join(installation, 'workflows'), workflows], { ...context(), canDo })
    expect(loaded.workflows.map(({ definition, file }) => [definition.name, file])).toEqual([
      ['v', join(installation, 'workflows', 'v.yaml')],
      ['w', join(workflows, 'a.yaml')],
    ])
    expect(loaded.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('this version does not run `task_management.log_time` yet'),
      expect.stringContaining('already in'),
    ])
  })

  test('what only looks like a file is one mistake, and the files beside it are read', () => {
    mkdirSync(join(workflows, 'folder.yaml'))
    symlinkSync(join(home, 'nowhere'), join(workflows, 'link.yaml'))
    if (process.platform !== 'win32') execFileSync('mkfifo', [join(workflows, 'pipe.yaml')])
    write('mine/w.yaml', workflow('w', '{ command: run }'))
    const loaded = loadWorkflows(workflows, context())
    expect(loaded.workflows.map(({ definition }) => definition.name)).toEqual(['w'])
    expect(loaded.problems.map(({ file, line, message }) => [basename(file), line, message])).toEqual([
      ['folder.yaml', 1, 'This is a folder, and a workflow is a file.'],
      ['link.yaml', 1, expect.stringContaining('no such file')],
      ...(process.platform === 'win32' ? [] : [['pipe.yaml', 1, expect.stringContaining('no ordinary file')]]),
    ])
  })

  test('a folder that is not there is said to be so', () => {
    try {
      loadWorkflows(join(home, 'nowhere'), context())
      expect.unreachable()
    } catch (error) {
      expect(codeOf(error)).toBe('not_found')
    }
  })

  test('a pinned definition is read again as it was', () => {
    write('mine/w.yaml', workflow('w', '{ command: run }'))
    const [loaded] = loadWorkflows(workflows, context()).workflows
    expect(parsePinned(loaded!.source, loaded!.prompts)).toEqual(loaded!.definition)
    expect(() => parsePinned('name: [', {})).toThrow('cannot be read')
  })
})

describe('matching', () => {
  const event = (name: Event['name'], fields: Record<string, string>): Event => ({
    name,
    provider: 'github',
    repository: 'o/r',
    repositoryUrl: null,
    installation: null,
    actor: { login: 'ada', id: '1', isBot: false },
    subject: { kind: 'issue', key: '1', url: 'u' },
    revision: 'r',
    fields,
  })

  test.each([
    [event('issue.labeled', { label: 'ai' }), ['labelled']],
    [event('issue.labeled', { label: 'AI' }), ['labelled']],
    [event('issue.labeled', { label: 'bug' }), []],
    [event('task.labeled', { label: 'ai' }), []],
    [event('command.given', { command: 'run', arguments: '' }), ['labelled', 'other']],
    [event('command.given', { command: 'run', arguments: 'other now' }), ['other']],
    [event('command.given', { command: 'run', arguments: 'please' }), ['labelled', 'other']],
    [event('command.given', { command: 'stop' }), []],
    [event('task.transitioned', { to: 'Bereit', to_status: 'todo' }), ['other']],
    [event('task.transitioned', { from: 'todo', to: 'Done' }), []],
    [event('schedule.due', { schedule: '0 6 * * 1' }), ['labelled']],
    [event('schedule.due', { schedule: '0 7 * * 1' }), []],
  ])('%j', (given, expected) => {
    write(
      'mine/a.yaml',
      workflow('labelled', '{ event: issue.labeled, label: ai }, { command: run }, { schedule: "0 6 * * 1" }'),
    )
    write('mine/b.yaml', workflow('other', '{ command: run }, { event: task.transitioned, to: todo }'))
    const loaded = loadWorkflows(workflows, context()).workflows
    expect(matchTriggers(given, loaded).map(({ definition }) => definition.name)).toEqual(expected)
  })
})

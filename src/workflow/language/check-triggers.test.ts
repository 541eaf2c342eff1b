import { describe, expect, it } from 'vitest'
import { actionSpecs } from '../actions/specs.ts'
import { agentSpecs } from './agent-specs.ts'
import { checkWorkflow } from './check-workflow.ts'
import { parseWorkflow } from './parse-workflow.ts'

const textWith = (trigger: string): string => `name: w\non:\n  - ${trigger}\nsteps: [ { name: a, command: x } ]\n`
const problemsOf = (trigger: string): string[] =>
  checkWorkflow(textWith(trigger), 'w.yaml', {
    actions: actionSpecs,
    agents: agentSpecs,
    configuredPlugins: [],
    readPrompt: () => 'x',
    workflows: new Map(),
  }).problems.map(({ line, column, message }) => `${line}:${column} ${message}`)

describe('a schedule', () => {
  it('may name its repository', () => {
    const trigger = '{ schedule: "0 6 * jan-mar mon", repository: acme/shop }'
    expect(problemsOf(trigger)).toEqual([])
    expect(parseWorkflow(textWith(trigger), 'w.yaml').definition?.on).toEqual([
      { event: 'schedule.due', fields: {}, schedule: '0 6 * jan-mar mon', repository: 'acme/shop' },
    ])
  })

  it.each([
    ['{ schedule: "61 6 * * 1" }', '3:17 "61 6 * * 1" is no schedule: 61 is no minute: it goes from 0 to 59.'],
    ['{ schedule: "0 0 30 feb *" }', 'so it never comes.'],
    ['{ schedule: "every monday" }', 'must be five fields of cron'],
    ['{ schedule: "0 6 * * 1", repository: shop }', 'must be owner/name'],
    ['{ schedule: "0 6 * * 1", repo: acme/shop }', 'repo'],
  ])('%s is refused', (trigger, why) => {
    expect(problemsOf(trigger).join('\n')).toContain(why)
  })
})

import { expect, it } from 'vitest'
import type { PlanStep } from '../../domain/plan.ts'
import { parseWorkflow } from './parse-workflow.ts'
import { usedKey } from './pinned.ts'
import { planOfDefinition } from './plan-of-definition.ts'

const head = (name: string) => `name: ${name}\ndescription: d\nversion: "1.0.0"\non: [ { command: run } ]\n`
const used = `${head('review')}steps: [ { name: look, description: Look at it, type: wait, event: change.reviewed, timeout: 60 } ]\n`
const source = `${head('dev')}steps:
  - { name: note, type: system, action: log, inputs: { message: a } }
  - name: all
    description: Everything
    type: parallel
    steps:
      - name: each
        type: loop
        for_each: "\${[1, 2]}"
        max_iterations: 5
        steps: [ { name: inner, type: system, action: log, inputs: { message: b } } ]
  - name: choose
    type: conditional
    condition: "\${true}"
    then: [ { name: yes_step, type: system, action: log, inputs: { message: c } } ]
    else: [ { name: no_step, type: system, action: log, inputs: { message: d } } ]
  - { name: sub, type: workflow, uses: review }
`
const shape = (steps: PlanStep[]): unknown =>
  steps.map(({ name, kind, branch, steps: inner }) => [
    branch === null ? name : `${branch}/${name}`,
    kind,
    ...(inner.length > 0 ? [shape(inner)] : []),
  ])

it('a definition as people read it: with what its steps hold, and with the workflows that it uses', () => {
  const { definition, problems } = parseWorkflow(source, 'dev.yaml')
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
  const plan = planOfDefinition(definition!, { [usedKey('review')]: used })
  expect(shape(plan)).toEqual([
    ['note', 'system'],
    ['all', 'parallel', [['each', 'loop', [['inner', 'system']]]]],
    [
      'choose',
      'conditional',
      [
        ['then/yes_step', 'system'],
        ['else/no_step', 'system'],
      ],
    ],
    ['sub', 'workflow', [['look', 'wait']]],
  ])
  expect(plan[1]?.description).toBe('Everything')
  expect(plan.at(-1)?.steps[0]).toMatchObject({ description: 'Look at it', event: 'change.reviewed' })
})

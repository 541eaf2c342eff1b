import { expect, it } from 'vitest'
import type { StepRow } from '../store/steps.ts'
import { parseWorkflow } from '../workflow/language/parse-workflow.ts'
import { variablesOf } from './variables-of.ts'

const { definition } = parseWorkflow(
  `name: w
variables: { v: 1 }
steps:
  - name: each
    for_each: [a, b]
    max_iterations: 2
    max_concurrency: 2
    steps: [ { name: note, action: set, inputs: { item_was: "\${item}" } } ]
    outputs: { iterations: item_count }
  - { name: after, action: set, inputs: { item_count: many } }
post_execution: { always: [ { name: last, action: set, inputs: { ended: yes } } ] }`,
  'w.yaml',
)

/** Of a row as far as it is read here. */
const row = (
  address: string,
  finishOrder: number,
  result: unknown,
  evaluated: Record<string, unknown> | null = null,
) => {
  const name = address.split('/').at(-1) as string
  return { address, name, kind: 'system', state: 'done', finishOrder, result, evaluated } as unknown as StepRow
}

it('has what stands in the order of the file, whichever iteration was quicker', () => {
  const rows = [
    row('@always/last', 5, { ended: true }),
    row('each[1]/note', 1, { item_was: 'b' }, { '@0/v': 'the same', '@1/own': 'b' }),
    row('each[0]/note', 2, { item_was: 'a' }),
    row('each', 3, { iterations: 2 }),
    row('after', 4, { item_count: 'many' }),
  ]
  const expected = { item_was: 'b', item_count: 'many', ended: true, v: 'the same' }
  expect(variablesOf(definition!, rows)).toEqual(expected)
  expect(variablesOf(definition!, rows.toReversed())).toEqual(expected)
})

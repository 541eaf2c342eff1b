import { expect, test } from 'vitest'
import { compensationOf } from './compensation-of.ts'
import { parseWorkflow } from './parse-workflow.ts'

const compensation = (step: string) => {
  const { definition } = parseWorkflow(`name: w\nsteps: [ ${step} ]`, 'w.yaml')
  return compensationOf(definition!.steps[0]!)
}

test('is what the step says', () => {
  const rollback = '{ plugin: version_control, action: delete_branch, inputs: { branch: b } }'
  const expected = { plugin: 'version_control', action: 'delete_branch', inputs: { branch: 'b' } }
  expect(compensation(`{ name: a, agent: development, rollback: ${rollback} }`)).toEqual(expected)
  const create = 'plugin: version_control, action: create_branch, inputs: { branch: a }'
  expect(compensation(`{ name: a, ${create}, rollback: ${rollback} }`)).toEqual(expected)
})

test('is the inverse that the action brings along, in the repository that the step names', () => {
  const create = (inputs: string) =>
    compensation(`{ name: a, plugin: version_control, action: create_branch, inputs: ${inputs} }`)
  const expected = { plugin: 'version_control', action: 'delete_branch' }
  expect(create('{ branch_name: b }')).toEqual({ ...expected, inputs: { branch: '${result.branch}' } })
  expect(create('{ branch_name: b, repository_url: "${other}" }')).toEqual({
    ...expected,
    inputs: { branch: '${result.branch}', repository: '${other}' },
  })
})

test('is nothing where nothing can be undone', () => {
  expect(compensation('{ name: a, plugin: task_management, action: get_task }')).toBeNull()
  expect(compensation('{ name: a, plugin: nobody, action: knows }')).toBeNull()
  expect(compensation('{ name: a, command: npm test }')).toBeNull()
})

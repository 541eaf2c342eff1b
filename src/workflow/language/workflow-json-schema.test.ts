import { readFileSync } from 'node:fs'
import Ajv from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { workflowJsonSchema } from './workflow-json-schema.ts'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const schema = workflowJsonSchema()
const validate = new Ajv.default({ strict: false }).compile(schema)

describe("the editor's schema", () => {
  test('is what is written in workflows/schema.json; `npx vitest run -u` on this file writes it anew', async () => {
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../../../workflows/schema.json')
  })

  test.each(['./testing/every-construct.yaml', '../../../workflows/standard_dev_workflow.yaml'])(
    'accepts %s',
    (path) => {
      expect(validate(parse(read(path))), JSON.stringify(validate.errors)).toBe(true)
    },
  )

  test.each([
    [{ name: 'a', command: 'x', retries: 1 }],
    [{ name: 'a', plugin: 'task_management', action: 'get_tsk' }],
    [{ name: 'a', plugin: 'task_management', action: 'get_task', inputs: { taskid: 1 } }],
    [{ name: 'a', plugin: 'task_management', action: 'update_task_status', inputs: { status: 'started' } }],
    [{ name: 'a', type: 'parallel', steps: [{ name: 'b' }] }],
  ])('refuses %j', (step) => {
    expect(validate({ name: 'w', steps: [step] })).toBe(false)
  })
})

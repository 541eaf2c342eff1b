import { readdirSync, readFileSync } from 'node:fs'
import Ajv from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { workflowJsonSchema } from './workflow-json-schema.ts'

const at = (path: string): URL => new URL(path, import.meta.url)
const read = (path: string): string => readFileSync(at(path), 'utf8')
const schema = workflowJsonSchema()
const validate = new Ajv.default({ strict: false }).compile(schema)
const yamlIn = (folder: string): string[] => {
  try {
    // A test of a workflow lies beside it and is no workflow.
    const files = readdirSync(at(folder), { recursive: true, encoding: 'utf8' })
    return files.filter((file) => /\.ya?ml$/.test(file) && !/[./]test\./.test(file)).map((file) => `${folder}/${file}`)
  } catch {
    return []
  }
}
const workflows = [
  './testing/every-construct.yaml',
  ...yamlIn('../../../workflows'),
  ...yamlIn('../../../examples/workflows'),
].filter((path) => parse(read(path))?.steps !== undefined)

describe("the editor's schema", () => {
  test('is what is written in workflows/schema.json; `npm run schema` writes it anew', async () => {
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../../../workflows/schema.json')
  })

  test.each(workflows)('accepts %s', (path) => {
    expect(validate(parse(read(path))), JSON.stringify(validate.errors?.slice(-3))).toBe(true)
  })

  const get = { name: 'a', plugin: 'task_management', action: 'get_task' }
  test.each([
    [{ name: 'a', command: 'x', retries: 1 }],
    [{ name: 'a', command: 'x', on_error: 'giveup' }],
    [{ name: 'A', command: 'x' }],
    [{ ...get, plugin: 'task_managment' }],
    [{ ...get, action: 'get_tsk' }],
    [{ ...get, inputs: { taskid: 1 } }],
    [{ ...get, action: 'update_task_status', inputs: { status: 'started' } }],
    [{ ...get, action: 'update_task_status', inputs: {} }],
    [{ ...get, action: 'update_task_status' }],
    [{ ...get, rollback: { plugin: 'version_control', action: 'delete_brnch' } }],
    [{ ...get, rollback: { plugin: 'version_control', action: 'delete_branch', inputs: { brnch: 'x' } } }],
    [{ name: 'a', type: 'system', action: 'clenup' }],
    [{ name: 'a', action: 'log', inputs: { mesage: 'x' } }],
    [{ name: 'a', agent: 'develpment', prompt: 'x' }],
    [{ name: 'a', type: 'lop', for_each: [], max_iterations: 1, steps: [] }],
    [{ name: 'a', type: 'loop', for_each: [], steps: [] }],
    [{ name: 'a', type: 'parallel', steps: [{ name: 'b' }] }],
    [{ name: 'a', type: 'parallel', steps: [{ name: 'b', command: 'x', loop: 1 }] }],
  ])('refuses %j', (step) => {
    expect(validate({ name: 'w', steps: [step] })).toBe(false)
  })

  test.each([
    [{ ...get, action: 'update_task_status', inputs: { status: '${status}' } }],
    [{ name: 'a', plugin: 'version_control', action: 'create_branch', inputs: { branch_name: 'b' } }],
    [{ name: 'a', action: 'set', inputs: { whatever: [1] } }],
    [{ name: 'a', type: 'loop', for_each: '${tasks}', max_iterations: 3, steps: [get] }],
  ])('accepts %j', (step) => {
    expect(validate({ name: 'w', steps: [step] }), JSON.stringify(validate.errors?.slice(-3))).toBe(true)
  })

  test.each([
    ['an unknown key', { nam: 'w' }],
    ['an unknown event', { on: [{ event: 'issue.labelled' }] }],
    ['an unknown limit', { limits: { max_cost: 1 } }],
    ['an unknown policy', { concurrency: { key: 'a', policy: 'two' } }],
    ['a step after the end that is none', { post_execution: { always: [{ action: 'clenup', nope: 1 }] } }],
  ])('refuses %s', (_name, more) => {
    expect(validate({ name: 'w', steps: [get], ...more })).toBe(false)
  })

  test('describes every key', () => {
    const without: string[] = []
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return
      for (const [key, value] of Object.entries(node)) {
        // The inputs of actions are described as a whole, by the action.
        if (key === 'allOf' || key === 'if') continue
        if (key !== 'properties') visit(value, `${path}/${key}`)
        else {
          for (const [name, inner] of Object.entries(value as Record<string, { description?: string }>)) {
            if (!inner.description) without.push(`${path}.${name}`)
            visit(inner, `${path}.${name}`)
          }
        }
      }
    }
    visit(schema, '')
    expect(without).toEqual([])
  })
})

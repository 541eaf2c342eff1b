import { readdirSync, readFileSync } from 'node:fs'
import Ajv from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { fixtureJsonSchema } from './fixture-json-schema.ts'

const folder = new URL('../../workflows/', import.meta.url)
const schema = fixtureJsonSchema()
const validate = new Ajv.default({ strict: false }).compile(schema)
const fixtures = readdirSync(folder).filter((name) => name.endsWith('.test.yaml'))

describe("the editor's schema of tests", () => {
  test('is what is written in workflows/test-schema.json; `npx vitest run -u` on this file writes it anew', async () => {
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../../workflows/test-schema.json')
  })

  test.each(fixtures)('accepts %s', (name) => {
    const found = validate(parse(readFileSync(new URL(name, folder), 'utf8')))
    expect(found, JSON.stringify(validate.errors)).toBe(true)
  })

  test.each([
    [{ name: 'a', evnt: 'issue.labeled' }],
    [{ name: 'a', event: 'issue.labelled' }],
    [{ name: 'a', model: [{ wrote: {} }] }],
    [{ name: 'a', expect: { steps: { write_code: 'finished' } } }],
    [{ expect: { state: 'done' } }],
  ])('refuses %j', (one) => {
    expect(validate({ tests: [one] })).toBe(false)
  })
})

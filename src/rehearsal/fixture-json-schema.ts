import { z } from 'zod'
import { fixtureSchema } from './fixture-schema.ts'

/** What an editor needs to help with a `*.test.yaml`; `workflows/test-schema.json` is this, written down. */
export const fixtureJsonSchema = (): Record<string, unknown> => ({
  ...z.toJSONSchema(fixtureSchema, { io: 'input', unrepresentable: 'any' }),
  title: 'The tests of a workflow of Journeyman',
})

import { z } from 'zod'
import { type ActionSpec, actionSpecs, systemActionSpecs } from '../actions/specs.ts'
import { tellingKeys } from './parse-steps.ts'
import { stepSchemas, triggerSchemas, withoutName, workflowSchema } from './workflow-schema.ts'

type Json = { [key: string]: unknown }

/** What an editor needs to help with a workflow file; `workflows/schema.json` is this, written down. */
export const workflowJsonSchema = (): Json => {
  const step: z.ZodType = z.lazy(() => z.union(Object.values(schemas))).meta({ id: 'step' })
  const schemas = stepSchemas(step)
  const after = z.union([withoutName(schemas.system), step])
  const trigger = z.union(Object.values(triggerSchemas))
  const schema = z.toJSONSchema(workflowSchema(step, trigger, after), { io: 'input', unrepresentable: 'any' }) as Json
  const definitions = schema['$defs'] as Record<string, Json>
  return {
    ...schema,
    title: 'A workflow of Journeyman',
    $defs: {
      ...definitions,
      step: { ...definitions['step'], allOf: [saysWhatItIs, ...pluginRules(), ...systemRules()] },
    },
  }
}

/** A step that gives neither its type nor a key that tells it says nothing of what it does. */
const saysWhatItIs: Json = {
  anyOf: [...tellingKeys.map(([key]) => key), 'type', 'action'].map((key) => ({ required: [key] })),
}

const pluginRules = (): Json[] =>
  Object.entries(actionSpecs).flatMap(([plugin, actions]) => [
    rule({ plugin: { const: plugin } }, { action: { enum: Object.keys(actions) } }),
    ...Object.values(actions).map((spec) =>
      rule({ plugin: { const: plugin }, action: { const: spec.action } }, { inputs: inputsOf(spec) }),
    ),
  ])

const systemRules = (): Json[] => [
  rule({ type: { const: 'system' } }, { action: { enum: Object.keys(systemActionSpecs) } }),
]

const rule = (when: Json, properties: Json): Json => ({
  if: { properties: when, required: Object.keys(when) },
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word of JSON Schema.
  then: { properties },
})

/** Each input may be an expression instead of what it is in the end. */
const inputsOf = (spec: ActionSpec): Json => {
  const fields = Object.entries(spec.fields).map(([name, schema]): [string, Json] => [name, orExpression(schema)])
  const known = Object.fromEntries(fields)
  const others = Object.entries(spec.aliases).map(([alias, name]): [string, unknown] => [alias, known[name]])
  return {
    type: 'object',
    description: spec.description,
    properties: { ...known, ...Object.fromEntries(others) },
    additionalProperties: false,
  }
}

const orExpression = (schema: z.ZodType): Json => {
  const { $schema: _, ...own } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json
  return { anyOf: [own, { type: 'string', pattern: '\\$\\{' }] }
}

import { z } from 'zod'
import { type ActionSpec, actionSpecs, systemActionSpecs } from '../actions/specs.ts'
import { agentSpecs } from './agent-specs.ts'
import { describe } from './key-descriptions.ts'
import { tellingKeys } from './parse-steps.ts'
import { stepSchemas, triggerSchemas, withoutName, workflowSchema } from './workflow-schema.ts'

type Json = { [key: string]: unknown }

/** What an editor needs to help with a workflow file; `workflows/schema.json` is this, written down. */
export const workflowJsonSchema = (): Json => {
  const step: z.ZodType = z.lazy(() => z.union(Object.values(schemas))).meta({ id: 'step' })
  const schemas = stepSchemas(step)
  const after = z.union([withoutName(schemas.system), step]).meta({ id: 'after' })
  const trigger = z.union(Object.values(triggerSchemas)).meta({ id: 'trigger' })
  const schema = z.toJSONSchema(workflowSchema(step, trigger, after), { io: 'input', unrepresentable: 'any' }) as Json
  const definitions = schema['$defs'] as Record<string, Json>
  const stepRules = [saysWhatItIs, isAgent, call, { properties: { rollback: call } }, ...systemRules()]
  return {
    ...(explained(schema, 'workflow') as Json),
    title: 'A workflow of Journeyman',
    $defs: {
      trigger: { description: 'One way in.', ...(explained(definitions['trigger'], 'on') as Json) },
      step: { description: 'A step.', ...(explained(definitions['step'], 'step') as Json), allOf: stepRules },
      call: { allOf: callRules() },
      after: { ...(explained(definitions['after'], 'system') as Json), allOf: systemRules() },
    },
  }
}

/** Where a key means something of its own, what holds it is called by another name than its own. */
const holders: Readonly<Record<string, string>> = { 'workflow.inputs': 'input' }

/** The same schema with every key described. */
const explained = (schema: unknown, holder: string): unknown => {
  if (Array.isArray(schema)) return schema.map((one) => explained(one, holder))
  if (typeof schema !== 'object' || schema === null) return schema
  const own = typeOf(schema as Json) ?? holder
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => key !== '$defs')
      .map(([key, value]) => [key, key === 'properties' ? explainedKeys(value as Json, own) : explained(value, own)]),
  )
}

const explainedKeys = (properties: Json, holder: string): Json =>
  Object.fromEntries(
    Object.entries(properties).map(([key, schema]) => {
      const within = holders[`${holder}.${key}`] ?? key
      const description = describe(holder, key)
      return [key, { ...(explained(schema, within) as Json), ...(description && { description }) }]
    }),
  )

/** The type of step that an object describes. */
const typeOf = (schema: Json): string | null => {
  const type = (schema['properties'] as Record<string, Json> | undefined)?.['type']?.['const']
  return typeof type === 'string' ? type : null
}

/** A step that gives neither its type nor a key that tells it says nothing of what it does. */
const saysWhatItIs: Json = {
  anyOf: [...tellingKeys.map(([key]) => key), 'type', 'action'].map((key) => ({ required: [key] })),
}

const isAgent: Json = { properties: { agent: { enum: Object.keys(agentSpecs) } } }

const call: Json = { $ref: '#/$defs/call' }

/** What a call of a plugin may say: its category, the action of that category, the inputs of that action. */
const callRules = (): Json[] => [
  { properties: { plugin: { enum: Object.keys(actionSpecs) } } },
  ...Object.entries(actionSpecs).flatMap(([plugin, actions]) => [
    rule({ plugin: { const: plugin } }, { properties: { action: choice(Object.values(actions)) } }),
    ...Object.values(actions).map((spec) =>
      rule({ plugin: { const: plugin }, action: { const: spec.action } }, withInputs(spec)),
    ),
  ]),
]

const systemRules = (): Json[] => {
  const specs = Object.values(systemActionSpecs)
  return [
    rule({ type: { const: 'system' } }, { properties: { action: choice(specs) } }),
    ...specs
      .filter((spec) => !spec.isOpen)
      .map((spec) => ({ ...rule({ action: { const: spec.action } }, withInputs(spec)), ...unlessPlugin(spec) })),
  ]
}

/** An action of the engine's has no `plugin`. */
const unlessPlugin = (spec: ActionSpec): Json => ({
  if: { properties: { action: { const: spec.action } }, required: ['action'], not: { required: ['plugin'] } },
})

const rule = (when: Json, then: Json): Json => ({
  if: { properties: when, required: Object.keys(when) },
  then,
})

const choice = (specs: readonly ActionSpec[]): Json => ({
  anyOf: specs.map(({ action, description }) => ({ const: action, description })),
})

/** `inputs` may be left out where the run supplies all that the action needs. */
const withInputs = (spec: ActionSpec): Json => {
  const needed = spec.required.filter((name) => !spec.implied.includes(name))
  return {
    properties: {
      inputs: { ...inputsOf(spec), ...(needed.length > 0 && { allOf: needed.map((name) => given(name, spec)) }) },
    },
    ...(needed.length > 0 && { required: ['inputs'] }),
  }
}

/** Under any of its spellings. */
const given = (name: string, { aliases }: ActionSpec): Json => {
  const spellings = [name, ...Object.keys(aliases).filter((alias) => aliases[alias] === name)]
  return spellings.length === 1 ? { required: spellings } : { anyOf: spellings.map((one) => ({ required: [one] })) }
}

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

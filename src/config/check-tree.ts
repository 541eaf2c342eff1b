import type { z } from 'zod'
import { type ConfigNode, type ConfigProblem, placeOf, plainOf } from './config-tree.ts'
import { nearestName } from './nearest-name.ts'
import { type Config, configSchema } from './schema.ts'
import { keysAt, leafKeys } from './schema-shape.ts'

/** The tree as a configuration, or what the schema has against it, each thing at its place. */
export const checkTree = (
  tree: ConfigNode,
  used: ReadonlyMap<string, string[]>,
): { config: Config } | { problems: ConfigProblem[] } => {
  const result = configSchema.safeParse(plainOf(tree))
  if (result.success) return { config: result.data }
  return { problems: result.error.issues.flatMap((issue) => problemsOf(issue, tree, used)) }
}

const problemsOf = (
  issue: z.core.$ZodIssue,
  tree: ConfigNode,
  used: ReadonlyMap<string, string[]>,
): ConfigProblem[] => {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      ...placeOf(tree, [...path, key]),
      key: [...path, key].join('.'),
      message: `there is no such key${suggestion(key, path)}`,
    }))
  }
  const key = path.join('.')
  const from = used.get(key)
  const origin = from === undefined ? '' : ` (it comes from ${from.join(', ')})`
  return [{ ...placeOf(tree, path), key, message: `${sentenceOf(issue)}${origin}` }]
}

/** A key near it in the same map, or else the same key in another one. */
const suggestion = (key: string, path: string[]): string => {
  const near = nearestName(key, keysAt(configSchema, path))
  const meant = near ?? leafKeys(configSchema).find((known) => known.split('.').at(-1) === key)
  return meant === undefined ? '' : `; did you mean "${meant}"?`
}

/** Only what the schema wants is told, never what was given: it may be a secret. */
const sentenceOf = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return `has to be ${nouns[issue.expected] ?? issue.expected}`
    case 'too_small':
      return `has to be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${lengthOf(issue.origin)}`
    case 'too_big':
      return `has to be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${lengthOf(issue.origin)}`
    case 'invalid_value':
      return `has to be one of ${issue.values.map(String).join(', ')}`
    case 'invalid_format':
      return issue.format === 'url' ? 'has to be an address that begins with http:// or https://' : 'has the wrong form'
    case 'invalid_union':
    case 'custom':
      return issue.message
    default:
      return 'does not fit'
  }
}

const lengthOf = (origin: string): string => (origin === 'string' ? ' characters long' : '')

const nouns: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a block of keys',
}

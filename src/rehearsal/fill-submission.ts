type Json = Record<string, unknown>

/** What reads well in a pull request of a test; every other text is named for its key. */
const wellKnown: Json = {
  summary: 'The work is done as the ticket asks.',
  title: 'feat: do what the ticket asks',
  description: 'It does what the ticket asks, and nothing else.',
  commit_message: 'feat: do what the ticket asks',
}

/**
 * What a role's `submit` takes, made complete: what the test says, then what is well known, then the least that the tool's
 * schema accepts. So a test says only what it is about, whatever the role.
 */
export const fillSubmission = (said: Json, schema: Json | null): Json => {
  if (schema === null) return { ...wellKnown, ...said }
  return { ...(least(schema, '') as Json), ...said }
}

const least = (schema: Json, key: string): unknown => {
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  const options = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(options)) return least(options[0] as Json, key)
  if (schema['type'] === 'object') return leastObject(schema)
  if (schema['type'] === 'array') return []
  if (schema['type'] === 'number' || schema['type'] === 'integer') return 1
  if (schema['type'] === 'boolean') return false
  return schema['type'] === 'null' ? null : (wellKnown[key] ?? `(${key || 'text'})`)
}

const leastObject = (schema: Json): Json => {
  const properties = (schema['properties'] ?? {}) as Record<string, Json>
  const required = (schema['required'] ?? []) as string[]
  return Object.fromEntries(required.map((name) => [name, least(properties[name] ?? {}, name)]))
}

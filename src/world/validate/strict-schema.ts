export type Schema = Record<string, unknown>

/** How a schema is to be read, and where the names that it refers to are collected. */
export type Reading = { close: boolean; refs: Set<string> }

/**
 * A schema as OpenAPI 3 writes it, turned into one that ajv reads the way the vendor means it. `nullable` beside
 * something else than `type` is silently ignored by validators, and the body is then not checked at all: it becomes a
 * choice with null. With `close`, an object that lists its properties takes no others: a misspelt field is an error.
 * `oneOf` becomes `anyOf`, because the vendor's alternatives overlap.
 */
export const strictSchema = (schema: unknown, reading: Reading): unknown => {
  if (Array.isArray(schema)) return schema.map((item) => strictSchema(item, reading))
  if (typeof schema !== 'object' || schema === null) return schema
  const source = schema as Schema
  if (typeof source['$ref'] === 'string') return orNull(source, reference(source['$ref'], reading))
  const result: Schema = {}
  for (const [key, value] of Object.entries(source)) {
    if (key === 'properties') result[key] = mapValues(value as Schema, (each) => strictSchema(each, reading))
    else if (key === 'oneOf' || key === 'anyOf') result['anyOf'] = strictSchema(value, partsOf(source, reading))
    else if (key === 'allOf') result[key] = strictSchema(value, partsOf(source, reading))
    else if (nested.has(key)) result[key] = strictSchema(value, reading)
    else if (kept.has(key)) result[key] = value
  }
  if (reading.close && isClosable(source)) result['additionalProperties'] = false
  return orNull(source, result)
}

/** The name under which a component is known to the validator; an open reading of it is another schema. */
export const componentId = (ref: string, close: boolean): string =>
  `${ref.slice(ref.lastIndexOf('/') + 1)}${close ? '' : '.open'}`

const nested = new Set(['not', 'items', 'additionalProperties'])
const kept = new Set([
  ...['type', 'enum', 'const', 'required', 'format', 'pattern'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'minItems', 'maxItems', 'uniqueItems', 'minProperties', 'maxProperties'],
])

const reference = (ref: string, reading: Reading): Schema => {
  const id = componentId(ref, reading.close)
  reading.refs.add(id)
  return { $ref: id }
}

/** Parts of one object see each other's properties: closing one of them would refuse those of the others. */
const partsOf = (schema: Schema, reading: Reading): Reading => {
  const allOf = schema['allOf']
  const isComposed = schema['properties'] !== undefined || (Array.isArray(allOf) && allOf.length > 1)
  return isComposed ? { ...reading, close: false } : reading
}

const isClosable = (schema: Schema): boolean =>
  schema['properties'] !== undefined && schema['additionalProperties'] === undefined && schema['allOf'] === undefined

const orNull = (source: Schema, schema: Schema): Schema => {
  if (source['nullable'] !== true) return schema
  if (typeof schema['type'] !== 'string') return { anyOf: [schema, { type: 'null' }] }
  const choices = schema['enum']
  return {
    ...schema,
    type: [schema['type'], 'null'],
    ...(Array.isArray(choices) && !choices.includes(null) && { enum: [...choices, null] }),
  }
}

const mapValues = (object: Schema, map: (value: unknown) => unknown): Schema =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]))

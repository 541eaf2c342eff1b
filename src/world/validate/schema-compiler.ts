import { createRequire } from 'node:module'
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv'
import { type Schema, strictSchema } from './strict-schema.ts'

export type Check = (data: unknown) => string[]

/**
 * Compiles schemas of one document when they are first needed, and the components they refer to once for all. Reading
 * a vendor's whole description takes seconds; what a run touches takes milliseconds.
 */
export const schemaCompiler = (components: Record<string, unknown>, options: { coerce: boolean }) => {
  const ajv = newAjv(options.coerce)
  const add = (refs: Set<string>): void => {
    for (const id of refs) {
      if (ajv.schemas[id] !== undefined) continue
      const open = id.endsWith('.open')
      const found = new Set<string>()
      const schema = strictSchema(components[open ? id.slice(0, -5) : id], { close: !open, refs: found }) as Schema
      ajv.addSchema(schema, id)
      add(found)
    }
  }
  const compile = (schema: unknown, close: boolean): ValidateFunction => {
    const refs = new Set<string>()
    const strict = strictSchema(schema, { close, refs }) as Schema
    add(refs)
    return ajv.compile(strict)
  }
  return (schema: unknown, close = true): Check => {
    let validate: ValidateFunction | null = null
    return (data) => {
      validate ??= compile(schema, close)
      return problems(validate, data)
    }
  }
}

const newAjv = (coerce: boolean): Ajv => {
  const require = createRequire(import.meta.url)
  const { Ajv: Constructor } = require('ajv') as { Ajv: new (options: object) => Ajv }
  const addFormats = require('ajv-formats').default as (ajv: Ajv, formats: string[]) => Ajv
  // The schemas are the vendor's, and each is used a few times: checking and polishing them is what compiling costs most.
  const cheap = { validateSchema: false, meta: false, inlineRefs: false, code: { optimize: 0 } }
  const ajv = new Constructor({ strict: false, allErrors: true, logger: false, coerceTypes: coerce, ...cheap })
  return addFormats(ajv, ['date-time', 'date', 'uri'])
}

const maxProblems = 8

const problems = (validate: ValidateFunction, data: unknown): string[] => {
  if (validate(data)) return []
  const sentences = (validate.errors ?? []).filter((error) => error.keyword !== 'anyOf').map(sentence)
  return sentences.length === 0 ? ['it fits none of the alternatives'] : [...new Set(sentences)].slice(0, maxProblems)
}

const sentence = (error: ErrorObject): string => {
  const where = error.instancePath === '' ? 'the whole' : error.instancePath.slice(1).replaceAll('/', '.')
  const detail = error.params as Record<string, unknown>
  if (error.keyword === 'additionalProperties') return `${where}: no such field as "${detail['additionalProperty']}"`
  if (error.keyword === 'enum') return `${where}: must be one of ${JSON.stringify(detail['allowedValues'])}`
  return `${where}: ${error.message ?? error.keyword}`
}

import { z } from 'zod'

export type WantedKind = 'text' | 'number' | 'boolean' | 'list' | 'map'

/** What the schema wants at a path, so that a substituted text can be read as that. null: nothing is known there. */
export const wantedAt = (schema: z.ZodType, path: readonly string[]): WantedKind | null => {
  const found = schemaAt(schema, path)
  if (found instanceof z.ZodNumber) return 'number'
  if (found instanceof z.ZodBoolean) return 'boolean'
  if (found instanceof z.ZodArray) return 'list'
  if (found instanceof z.ZodObject) return 'map'
  return found === null ? null : 'text'
}

/** The keys that may stand in the map at a path. */
export const keysAt = (schema: z.ZodType, path: readonly string[]): string[] => {
  const found = schemaAt(schema, path)
  return found instanceof z.ZodObject ? Object.keys(found.shape) : []
}

/** Every key that holds a value, as a dotted path. */
export const leafKeys = (schema: z.ZodType, above: string[] = []): string[] =>
  keysAt(schema, above).flatMap((key) => {
    const path = [...above, key]
    return wantedAt(schema, path) === 'map' ? leafKeys(schema, path) : [path.join('.')]
  })

const schemaAt = (schema: z.ZodType, path: readonly string[]): z.ZodType | null => {
  let current: z.ZodType | null = unwrap(schema)
  for (const part of path) {
    if (current instanceof z.ZodObject && Object.hasOwn(current.shape, part)) current = unwrap(current.shape[part])
    else if (current instanceof z.ZodArray) current = unwrap(current.element as z.ZodType)
    else return null
  }
  return current
}

/** Behind `nullable`, and before `transform`: what a person writes. */
const unwrap = (schema: z.ZodType): z.ZodType => {
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) return unwrap(schema.unwrap() as z.ZodType)
  if (schema instanceof z.ZodPipe) return unwrap(schema.in as z.ZodType)
  return schema
}

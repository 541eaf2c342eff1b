import { z } from 'zod'
import type { Position, Problem } from './definition.ts'
import { suggestion } from './nearest.ts'
import type { Path, YamlSource } from './yaml-source.ts'

/** Reads a part of the file by a schema; what does not fit is added to the problems. */
export const readPart = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: Path,
  source: YamlSource,
  problems: Problem[],
): z.infer<Schema> | null => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues.slice(0, mostTold))
    problems.push(...problemsOfIssue(issue, schema, value, path, source))
  return null
}

export const problemAt = (
  source: YamlSource,
  position: Position,
  path: Path,
  message: string,
  severity: Problem['severity'] = 'error',
): Problem => ({
  file: source.file,
  line: position.line,
  column: position.column,
  path: path.join('.'),
  message,
  severity,
})

/** Of one kind at one place: after so many there is no news in another. */
const mostTold = 20

/** In sentences; an issue of several forms may be several problems of the one that was meant. */
export const problemsOfIssue = (
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  value: unknown,
  path: Path,
  source: YamlSource,
): Problem[] => {
  const inner = issue.path.filter((part) => typeof part !== 'symbol')
  const whole = [...path, ...inner]
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, inner)
    return issue.keys
      .slice(0, mostTold)
      .map((key) =>
        problemAt(
          source,
          source.atKey(whole, key),
          [...whole, key],
          `There is no key \`${key}\` here.${suggestion(key, known)}`,
        ),
      )
  }
  const key = String(whole.at(-1) ?? 'the file')
  const found = valueAt(value, inner)
  const meant = meantOption(issue)
  if (meant !== null) {
    return meant.flatMap((within) =>
      problemsOfIssue({ ...within, path: [...issue.path, ...within.path] }, schema, value, path, source),
    )
  }
  return [problemAt(source, source.at(whole), whole, sentenceOf(issue, key, found))]
}

/** Of several forms the one that the author has begun to write: the only one whose kind of value it is. */
const meantOption = (issue: z.core.$ZodIssue): z.core.$ZodIssue[] | null => {
  if (issue.code !== 'invalid_union') return null
  const fitting = issue.errors.filter((option) =>
    option.every(({ code, path }) => path.length > 0 || (code !== 'invalid_type' && code !== 'invalid_value')),
  )
  return fitting.length === 1 ? (fitting[0] ?? null) : null
}

const sentenceOf = (issue: z.core.$ZodIssue, key: string, found: unknown): string => {
  if (found === undefined) return `\`${key}\` is missing.`
  if (issue.code === 'invalid_value') {
    const allowed = issue.values.map(String)
    const one = allowed.length === 1 ? `\`${allowed[0]}\`` : `one of ${allowed.join(', ')}`
    return `\`${key}\` must be ${one}.${suggestion(String(found), allowed)}`
  }
  if (issue.code === 'too_big') return `\`${key}\` is at most ${issue.maximum}.`
  if (issue.code === 'invalid_type') return `\`${key}\` must be ${nameOfType(issue.expected)}.`
  if (issue.code === 'invalid_format') return `\`${key}\` ${issue.message}.`
  return `\`${key}\` does not fit: ${issue.message}.`
}

const typeNames: Record<string, string> = {
  string: 'a text (numbers and the like in quotes)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

const nameOfType = (expected: string): string => typeNames[expected] ?? expected

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string | number, unknown>)[key] : undefined,
    value,
  )

/** The keys that the schema knows at a path, for suggestions. */
const knownKeys = (schema: z.core.$ZodType, path: Path): string[] => {
  const inner = unwrapped(schema)
  const [first, ...rest] = path
  if (inner instanceof z.ZodObject) {
    if (first === undefined) return Object.keys(inner.shape)
    const field = inner.shape[first]
    return field ? knownKeys(field, rest) : []
  }
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => knownKeys(option, path))
  if (inner instanceof z.ZodArray) return knownKeys(inner.element, rest)
  if (inner instanceof z.ZodRecord) return knownKeys(inner.valueType, rest)
  return []
}

const unwrapped = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodNullable ? unwrapped(schema.unwrap()) : schema

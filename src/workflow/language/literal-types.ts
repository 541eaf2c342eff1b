import type { InputSpec } from './definition.ts'
import { onlyExpression, parseTemplate } from './templates.ts'

/** What is wrong with a value that is written out. One that an expression gives is known only when the step runs. */
export const misfitOf = (value: unknown, { type }: InputSpec): string | null => {
  const found = typeOf(value)
  if (found === null || found === type) return null
  return `must be ${article[type]}, and this is ${article[found]}`
}

const article: Record<InputSpec['type'], string> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list',
  object: 'an object',
}

const typeOf = (value: unknown): InputSpec['type'] | null => {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return onlyExpression(parseTemplate(value)) ? null : 'string'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return 'number'
  return typeof value === 'boolean' ? 'boolean' : 'object'
}

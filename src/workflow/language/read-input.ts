import { JourneymanError } from '../../domain/errors.ts'
import type { InputSpec } from './definition.ts'

/**
 * A text that was given for an input (on a command line, in a comment) as the value that the definition declares: lists
 * and objects are JSON. What is no text already is left as it is. Throws `invalid_input`.
 */
export const readInput = (name: string, spec: InputSpec, given: unknown): unknown => {
  if (typeof given !== 'string' || spec.type === 'string') return given
  const value = read[spec.type](given.trim())
  if (value !== undefined) return value
  throw new JourneymanError('invalid_input', `The input "${name}" has to be ${wanted[spec.type]}, not "${given}".`)
}

type Read = Exclude<InputSpec['type'], 'string'>

const read: Record<Read, (text: string) => unknown> = {
  number: (text) => (text !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined),
  boolean: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  list: (text) => json(text, Array.isArray),
  object: (text) => json(text, (value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
}

const wanted: Record<Read, string> = {
  number: 'a number',
  boolean: 'true or false',
  list: 'a JSON list, like ["a", "b"]',
  object: 'a JSON object, like {"a": 1}',
}

const json = (text: string, fits: (value: unknown) => boolean): unknown => {
  try {
    const value: unknown = JSON.parse(text)
    return fits(value) ? value : undefined
  } catch {
    return undefined
  }
}

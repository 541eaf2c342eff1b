import { JourneymanError } from '../../domain/errors.ts'
import { type Meter, maxDepth, tooDeep } from './meter.ts'

/**
 * The only doors through which expressions touch data. They see own properties alone, never a function, never a
 * prototype, and never convert an object by calling a method that the object brings along.
 */
export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain }

const closed: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

export const isClosed = (name: string): boolean => closed.has(name)

export const isList = (value: unknown): value is unknown[] => Array.isArray(value)

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value as it may enter an expression: functions and symbols are as if they were not there. */
export const admitted = (value: unknown): unknown => {
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  return value
}

/** An own property of a list, a record or a text; undefined for everything else. */
export const own = (target: unknown, key: string | number): unknown => {
  if (target === null || target === undefined || closed.has(String(key))) return undefined
  if (typeof target !== 'object' && typeof target !== 'string') return undefined
  return Object.hasOwn(Object(target), key) ? admitted((target as Record<string | number, unknown>)[key]) : undefined
}

/** `author.name` through own properties. */
export const ownPath = (target: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => own(value, key), target)

export const keysOf = (value: unknown): string[] => {
  if (isRecord(value)) return Object.keys(value).filter((key) => !closed.has(key))
  return []
}

/** The elements of a list, counted. */
export const elementsOf = (list: unknown[], meter: Meter): unknown[] => {
  const elements: unknown[] = []
  for (let index = 0; index < list.length; index++) {
    meter.step()
    elements.push(admitted(list[index]))
  }
  return elements
}

export const kindOf = (value: unknown): string => {
  if (value === undefined) return 'undefined'
  if (value === null) return 'null'
  if (isList(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`
}

export const misfit = (message: string): JourneymanError => new JourneymanError('invalid_input', message)

/**
 * A deep copy that is plain JSON: what leaves an evaluation. `indent` is what one level of nesting costs where the copy
 * is to be written with line breaks.
 */
export const plainCopy = (value: unknown, meter: Meter, indent = 0, depth = 0): Plain => {
  if (depth > maxDepth) throw tooDeep()
  const seen = admitted(value)
  meter.grow(32 + indent * depth)
  if (seen === undefined || seen === null) return null
  if (typeof seen === 'string') {
    meter.grow(seen.length)
    return seen
  }
  if (typeof seen === 'number') return Number.isFinite(seen) ? seen : null
  if (typeof seen === 'boolean') return seen
  return isList(seen) ? copyOfList(seen, meter, indent, depth) : copyOfRecord(seen as object, meter, indent, depth)
}

const copyOfList = (list: unknown[], meter: Meter, indent: number, depth: number): Plain[] => {
  const copy: Plain[] = []
  for (let index = 0; index < list.length; index++) copy.push(plainCopy(list[index], meter, indent, depth + 1))
  return copy
}

const copyOfRecord = (record: object, meter: Meter, indent: number, depth: number): Record<string, Plain> => {
  const copy: Record<string, Plain> = {}
  for (const key of Object.keys(record)) {
    const value = own(record, key)
    if (value === undefined) continue
    meter.grow(key.length + 4)
    copy[key] = plainCopy(value, meter, indent, depth + 1)
  }
  return copy
}

export const jsonOf = (value: unknown, meter: Meter, spaces = 0): string =>
  JSON.stringify(plainCopy(value, meter, spaces), null, spaces)

/** A value inside a longer text: null is nothing, a list or an object is JSON. */
export const textOf = (value: unknown, meter: Meter): string => {
  const seen = admitted(value)
  if (seen === undefined || seen === null) return ''
  const text = typeof seen === 'object' ? jsonOf(seen, meter) : String(seen)
  meter.grow(text.length)
  return text
}

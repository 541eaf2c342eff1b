import { admitted, isList, isRecord, keysOf, kindOf, misfit, own } from './data.ts'
import { type Meter, maxDepth, tooDeep } from './meter.ts'

/**
 * Equality of data. Two lists or two objects are equal when what they hold is: data has no identity here, since every
 * evaluation works on copies. Between simple values it is the language's loose equality (`'1' == 1`).
 */
export const equal = (a: unknown, b: unknown, meter: Meter, depth = 0): boolean => {
  if (depth > maxDepth) throw tooDeep()
  meter.step()
  const left = admitted(a)
  const right = admitted(b)
  if (isSimple(left) && isSimple(right)) {
    // biome-ignore lint/suspicious/noDoubleEquals: both are simple values, and `==` is what the language says.
    return left == right
  }
  if (isList(left) && isList(right)) {
    return left.length === right.length && hasEqualItems(left, right, meter, depth)
  }
  if (isRecord(left) && isRecord(right)) {
    const keys = keysOf(left)
    return keys.length === keysOf(right).length && keys.every((key) => hasEqual(left, right, key, meter, depth))
  }
  return false
}

/** A loop, since `every` goes through the holes of a list of four billion without asking the meter. */
const hasEqualItems = (left: unknown[], right: unknown[], meter: Meter, depth: number): boolean => {
  for (let index = 0; index < left.length; index++) {
    if (!equal(left[index], right[index], meter, depth + 1)) return false
  }
  return true
}

const hasEqual = (a: object, b: object, key: string, meter: Meter, depth: number): boolean =>
  Object.hasOwn(b, key) && equal(own(a, key), own(b, key), meter, depth + 1)

/** As `equal`, but `'1'` is not `1`. */
export const identical = (a: unknown, b: unknown, meter: Meter): boolean => {
  const left = admitted(a)
  const right = admitted(b)
  return isSimple(left) || isSimple(right) ? left === right : equal(left, right, meter)
}

export const ordered = (operator: string, a: unknown, b: unknown): boolean => {
  const left = admitted(a)
  const right = admitted(b)
  if (!isSimple(left) || !isSimple(right)) {
    throw misfit(`\`${operator}\` cannot order ${kindOf(left)} and ${kindOf(right)}.`)
  }
  // Only simple values get here: no conversion runs code that the data brought along.
  const x = left as number
  const y = right as number
  if (operator === '<') return x < y
  if (operator === '<=') return x <= y
  return operator === '>' ? x > y : x >= y
}

/** -1, 0 or 1 for a sort; simple values only. */
export const rank = (a: unknown, b: unknown): number => (ordered('<', a, b) ? -1 : ordered('>', a, b) ? 1 : 0)

export const contains = (container: unknown, item: unknown, meter: Meter): boolean => {
  if (typeof container === 'string') {
    meter.grow(container.length)
    return typeof item === 'string' && container.includes(item)
  }
  if (isList(container)) {
    for (let index = 0; index < container.length; index++) {
      meter.step()
      if (identical(container[index], item, meter)) return true
    }
    return false
  }
  if (isRecord(container)) return typeof item === 'string' && own(container, item) !== undefined
  throw misfit(`\`in\` looks into a list, a text or an object, and this is ${kindOf(container)}.`)
}

const isSimple = (value: unknown): boolean => typeof value !== 'object' || value === null

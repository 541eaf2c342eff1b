import { JourneymanError } from '../../domain/errors.ts'
import { equal, identical, ordered } from './compare.ts'
import { isList, isRecord, misfit } from './data.ts'
import type { Meter } from './meter.ts'
import { suggestion } from './nearest.ts'

/** What may stand behind `is`. */
type Predicate = (input: unknown, args: unknown[], meter: Meter) => boolean

const isNumber = (value: unknown): value is number => typeof value === 'number'

const divisible = (input: unknown, by: unknown, rest: number): boolean => {
  if (!isNumber(input) || !isNumber(by)) throw misfit('A test for divisibility wants numbers.')
  return Math.abs(input % by) === rest
}

const equality: Predicate = (input, [other], meter) => identical(input, other, meter)
const ordering =
  (operator: string): Predicate =>
  (input, [other]) =>
    ordered(operator, input, other)

const predicates: Readonly<Record<string, Predicate>> = {
  defined: (input) => input !== undefined,
  undefined: (input) => input === undefined,
  none: (input) => input === null,
  null: (input) => input === null,
  divisibleby: (input, [by]) => divisible(input, by, 0),
  even: (input) => divisible(input, 2, 0),
  odd: (input) => divisible(input, 2, 1),
  equalto: equality,
  eq: equality,
  sameas: equality,
  ne: (input, [other], meter) => !equal(input, other, meter),
  falsy: (input) => !input,
  truthy: (input) => Boolean(input),
  ge: ordering('>='),
  gt: ordering('>'),
  greaterthan: ordering('>'),
  le: ordering('<='),
  lt: ordering('<'),
  lessthan: ordering('<'),
  lower: (input) => typeof input === 'string' && input.toLowerCase() === input,
  upper: (input) => typeof input === 'string' && input.toUpperCase() === input,
  number: isNumber,
  string: (input) => typeof input === 'string',
  iterable: (input) => typeof input === 'string' || isList(input),
  mapping: (input) => isRecord(input),
}

export const predicateNames = (): string[] => Object.keys(predicates)

/** These look at whether a name is set; their input may be undefined everywhere. */
export const asksWhetherDefined = (name: string): boolean => name === 'defined' || name === 'undefined'

export const runPredicate = (name: string, input: unknown, args: unknown[], meter: Meter): boolean => {
  meter.step()
  if (!Object.hasOwn(predicates, name)) {
    const hint = suggestion(name, predicateNames())
    throw new JourneymanError('invalid_workflow', `There is no test \`${name}\`.${hint}`)
  }
  return predicates[name]!(input, args, meter)
}

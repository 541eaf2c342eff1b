import { JourneymanError } from '../../domain/errors.ts'
import { contains, equal, identical, ordered } from './compare.ts'
import { admitted, isClosed, isList, isRecord, keysOf, kindOf, misfit, own, textOf } from './data.ts'
import type { BinaryOperator, CompareOperator, Expression } from './expression-tree.ts'
import { filterNames, findFilter, isDefaultFilter } from './filters.ts'
import type { Meter } from './meter.ts'
import { suggestion } from './nearest.ts'
import { asksWhetherDefined, runPredicate } from './predicates.ts'
import type { Scope } from './scope.ts'

/**
 * Evaluates an expression. `tolerant` says what becomes of a name that is not set: in a condition it is undefined, and
 * everywhere else an error. Values that come out may still share structure with the data: the caller copies them.
 */
export type Frame = {
  scope: Scope
  meter: Meter
  tolerant: boolean
  /** Renders the body of a filter block; only prompts have them. */
  capture?: (node: Expression & { kind: 'capture' }) => string
}

export const interpret = (node: Expression, frame: Frame): unknown => {
  frame.meter.step()
  switch (node.kind) {
    case 'literal':
      return node.value
    case 'name':
      return lookUp(node.name, frame)
    case 'member':
      return lookUpMember(node, frame)
    case 'list':
      return node.items.map((item) => interpret(item, frame))
    case 'dict':
      return Object.fromEntries(node.entries.map(([key, value]) => [key, interpret(value, frame)]))
    case 'filter':
      return applyFilter(node, frame)
    case 'is':
      return applyTest(node, frame)
    case 'call':
      return callFunction(node, frame)
    case 'not':
      return !interpret(node.operand, frame)
    case 'negate':
      return -numeric('-', interpret(node.operand, frame))
    case 'plus':
      return numeric('+', interpret(node.operand, frame))
    case 'and':
      return interpret(node.left, frame) && interpret(node.right, frame)
    case 'or':
      return interpret(node.left, frame) || interpret(node.right, frame)
    case 'binary':
      return combine(node.operator, interpret(node.left, frame), interpret(node.right, frame), frame)
    case 'compare':
      return compareAll(node, frame)
    case 'choice':
      return choose(node, frame)
    case 'capture':
      return frame.capture?.(node)
  }
}

const lookUp = (name: string, frame: Frame): unknown => {
  const value = isClosed(name) ? undefined : admitted(frame.scope.get(name))
  if (value === undefined && !frame.tolerant) {
    const hint = suggestion(name, frame.scope.names())
    throw new JourneymanError('invalid_workflow', `\`${name}\` is not set.${hint}`, { detail: { name } })
  }
  return value
}

const lookUpMember = (node: Expression & { kind: 'member' }, frame: Frame): unknown => {
  const target = interpret(node.target, frame)
  const key = interpret(node.key, frame)
  const isKey = typeof key === 'string' || typeof key === 'number'
  const value = isKey ? own(target, key) : undefined
  if (value !== undefined || frame.tolerant) return value
  const shown = isKey ? String(key).slice(0, 60) : kindOf(key)
  const path = pathOf(node.target) ?? kindOf(target)
  const hint = target === null ? ` \`${path}\` is null.` : suggestion(shown, keysOf(target))
  throw new JourneymanError('invalid_workflow', `\`${path}\` has no \`${shown}\`.${hint}`, { detail: { name: shown } })
}

/** `task.author`, where the expression is nothing but that. */
const pathOf = (node: Expression): string | null => {
  if (node.kind === 'name') return node.name
  if (node.kind !== 'member' || node.key.kind !== 'literal') return null
  const target = pathOf(node.target)
  return target === null ? null : `${target}.${node.key.value}`
}

const applyFilter = (node: Expression & { kind: 'filter' }, frame: Frame): unknown => {
  const filter = findFilter(node.name)
  if (!filter) {
    const hint = suggestion(node.name, filterNames())
    throw new JourneymanError('invalid_workflow', `There is no filter \`${node.name}\`.${hint}`)
  }
  const args = argumentsOf(node, filter.params, frame)
  if (isDefaultFilter(node.name)) return orDefault(node, args, frame)
  const input = interpret(node.input, frame)
  if (input === undefined) return filter.whenUndefined
  return admitted(filter.run(input, args, frame.meter))
}

const orDefault = (node: Expression & { kind: 'filter' }, [fallback, boolean]: unknown[], frame: Frame): unknown => {
  const input = interpret(node.input, { ...frame, tolerant: true })
  const isMissing = boolean ? !input : input === undefined
  return isMissing ? (fallback === undefined ? '' : fallback) : input
}

const argumentsOf = (node: Expression & { kind: 'filter' }, params: string[], frame: Frame): unknown[] => {
  const args = node.args.map((arg) => interpret(arg, frame))
  const surplus = args.length > params.length
  const unknown = node.named.find(([name]) => !params.includes(name))
  if (surplus || unknown) {
    const takes = params.length === 0 ? 'no arguments' : params.join(', ')
    throw new JourneymanError('invalid_workflow', `The filter \`${node.name}\` takes ${takes}.`)
  }
  for (const [name, value] of node.named) args[params.indexOf(name)] = interpret(value, frame)
  return args
}

const applyTest = (node: Expression & { kind: 'is' }, frame: Frame): boolean => {
  const tolerant = frame.tolerant || asksWhetherDefined(node.test)
  const input = interpret(node.input, { ...frame, tolerant })
  const args = node.args.map((arg) => interpret(arg, frame))
  return runPredicate(node.test, input, args, frame.meter)
}

export const functionNames = ['range'] as const

const callFunction = (node: Expression & { kind: 'call' }, frame: Frame): unknown => {
  if (node.name !== 'range') {
    throw new JourneymanError('invalid_workflow', `There is no function \`${node.name}\`; there is only \`range\`.`)
  }
  const given = node.args.map((arg) => numeric('range', interpret(arg, frame)))
  const [start, stop, step] = given.length === 1 ? [0, given[0]!, 1] : [given[0], given[1], given[2] ?? 1]
  if (start === undefined || stop === undefined || step === 0 || given.length > 3) {
    throw misfit('`range` wants an end, or a start, an end and a step that is not 0.')
  }
  return numbersFrom(start, stop, step!, frame.meter)
}

const numbersFrom = (start: number, stop: number, step: number, meter: Meter): number[] => {
  const numbers: number[] = []
  for (let value = start; step > 0 ? value < stop : value > stop; value += step) {
    meter.step()
    numbers.push(value)
  }
  return numbers
}

const choose = (node: Expression & { kind: 'choice' }, frame: Frame): unknown => {
  if (interpret(node.condition, frame)) return interpret(node.whenTrue, frame)
  return node.whenFalse ? interpret(node.whenFalse, frame) : ''
}

/** `a < b < c` is read from left to right, as Nunjucks does. */
const compareAll = (node: Expression & { kind: 'compare' }, frame: Frame): unknown =>
  node.rest.reduce<unknown>(
    (left, { operator, operand }) => compareTwo(operator, left, interpret(operand, frame), frame.meter),
    interpret(node.first, frame),
  )

const compareTwo = (operator: CompareOperator, left: unknown, right: unknown, meter: Meter): boolean => {
  if (operator === '==') return equal(left, right, meter)
  if (operator === '!=') return !equal(left, right, meter)
  if (operator === '===') return identical(left, right, meter)
  if (operator === '!==') return !identical(left, right, meter)
  return ordered(operator, left, right)
}

const combine = (operator: BinaryOperator, left: unknown, right: unknown, frame: Frame): unknown => {
  if (operator === 'in') return right === undefined && frame.tolerant ? false : contains(right, left, frame.meter)
  if (operator === '~') return textOf(left, frame.meter) + textOf(right, frame.meter)
  const isText = typeof left === 'string' || typeof right === 'string'
  if (operator === '+' && isText) return joined(left, right, frame.meter)
  if (frame.tolerant && (left === undefined || right === undefined)) return undefined
  return finite(operator, calculate(operator, numeric(operator, left), numeric(operator, right)))
}

const joined = (left: unknown, right: unknown, meter: Meter): string => {
  for (const side of [left, right]) {
    if (isList(side) || isRecord(side)) throw misfit(`\`+\` cannot add ${kindOf(side)} to a text; \`~\` can.`)
  }
  return textOf(left, meter) + textOf(right, meter)
}

const calculate = (operator: BinaryOperator, left: number, right: number): number => {
  if (operator === '+') return left + right
  if (operator === '-') return left - right
  if (operator === '*') return left * right
  if (operator === '/') return left / right
  if (operator === '//') return Math.floor(left / right)
  return operator === '%' ? left % right : left ** right
}

const finite = (operator: string, value: number): number => {
  if (!Number.isFinite(value)) throw misfit(`\`${operator}\` comes to no finite number; is something divided by 0?`)
  return value
}

const numeric = (operator: string, value: unknown): number => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  if (typeof number === 'boolean') return Number(number)
  throw misfit(`\`${operator}\` wants numbers and met ${kindOf(value)}.`)
}

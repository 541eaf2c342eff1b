import { JourneymanError } from '../../domain/errors.ts'
import { elementsOf, isList, isRecord, keysOf, kindOf, misfit, own, textOf } from './data.ts'
import { type Expression, partsOf, type Statement } from './expression-tree.ts'
import { type Frame, interpret } from './interpret.ts'
import { type Meter, type MeterLimits, newMeter, tooDeep } from './meter.ts'
import { parsePrompt } from './parse-prompt.ts'
import type { Scope } from './scope.ts'
import { type UsedName, usedNames } from './used-names.ts'

const promptLimits: MeterLimits = { steps: 200_000, characters: 8_000_000 }

/**
 * Renders a prompt: a Nunjucks template, read by Nunjucks' own parser and rendered by our interpreter. Nunjucks' own
 * compiled code would let `''.constructor` out to the host and a loop run without end. Nothing is escaped. A name that
 * is not given is an error that says which, except in `{% if %}`, before `is defined` and before `default(...)`.
 */
export const renderPrompt = (template: string, context: Record<string, unknown>): string => {
  const statements = parsePrompt(template)
  try {
    return writeAll(statements, promptFrame(rootScope(context), newMeter(promptLimits)))
  } catch (error) {
    if (error instanceof JourneymanError) throw error
    if (error instanceof RangeError) throw tooDeep()
    throw new JourneymanError('invalid_input', 'The prompt met data that is not plain JSON.', { cause: error })
  }
}

/** The names that a prompt reads and does not set itself. */
export const namesUsedByPrompt = (template: string): UsedName[] => namesOf(parsePrompt(template), new Set(['loop']))

type Local = Scope & { set: (name: string, value: unknown) => void }
type PromptFrame = Frame & { scope: Local }

const rootScope = (context: Record<string, unknown>): Local =>
  nested({ get: (name) => own(context, name), names: () => keysOf(context) })

/** What is set inside a loop stays inside it. */
const nested = (outer: Scope): Local => {
  const names = new Map<string, unknown>()
  return {
    get: (name) => (names.has(name) ? names.get(name) : outer.get(name)),
    names: () => [...names.keys(), ...outer.names()],
    set: (name, value) => names.set(name, value),
  }
}

const promptFrame = (scope: Local, meter: Meter): PromptFrame => {
  const frame: PromptFrame = { scope, meter, tolerant: false, capture: (node) => writeAll(node.body, frame) }
  return frame
}

const writeAll = (statements: Statement[], frame: PromptFrame): string =>
  statements.map((statement) => write(statement, frame)).join('')

const write = (statement: Statement, frame: PromptFrame): string => {
  frame.meter.step()
  switch (statement.kind) {
    case 'text':
      frame.meter.grow(statement.text.length)
      return statement.text
    case 'output':
      return textOf(interpret(statement.value, frame), frame.meter)
    case 'if': {
      const holds = interpret(statement.condition, { ...frame, tolerant: true })
      return writeAll(holds ? statement.whenTrue : statement.whenFalse, frame)
    }
    case 'for':
      return writeLoop(statement, frame)
    case 'set': {
      const value = interpret(statement.value, frame)
      for (const name of statement.names) frame.scope.set(name, value)
      return ''
    }
  }
}

const writeLoop = (loop: Statement & { kind: 'for' }, frame: PromptFrame): string => {
  const items = itemsOf(interpret(loop.over, frame), frame.meter)
  if (items.length === 0) return writeAll(loop.whenEmpty, frame)
  return items
    .map((item, index) => {
      const scope = nested(frame.scope)
      loop.names.forEach((name, at) => {
        scope.set(name, loop.names.length === 1 ? item : own(item, at))
      })
      scope.set('loop', positionOf(index, items.length))
      return writeAll(loop.body, promptFrame(scope, frame.meter))
    })
    .join('')
}

/** A list's elements, or an object's pairs. null is nothing to go through. */
const itemsOf = (value: unknown, meter: Meter): unknown[] => {
  if (value === null) return []
  if (isList(value)) return elementsOf(value, meter)
  if (isRecord(value)) return keysOf(value).map((key) => [key, own(value, key)])
  throw misfit(`\`for\` goes through a list or an object, and this is ${kindOf(value)}.`)
}

const positionOf = (index: number, length: number): Record<string, unknown> => ({
  index: index + 1,
  index0: index,
  revindex: length - index,
  revindex0: length - index - 1,
  first: index === 0,
  last: index === length - 1,
  length,
})

const namesOf = (statements: Statement[], known: Set<string>): UsedName[] =>
  statements.flatMap((statement) => namesOfStatement(statement, known))

/** `known` grows by what a `set` sets: what follows it in the same block knows the name. */
const namesOfStatement = (statement: Statement, known: Set<string>): UsedName[] => {
  switch (statement.kind) {
    case 'text':
      return []
    case 'output':
      return free(statement.value, known, false)
    case 'if':
      return [
        ...free(statement.condition, known, true),
        ...namesOf(statement.whenTrue, known),
        ...namesOf(statement.whenFalse, known),
      ]
    case 'for':
      return [
        ...free(statement.over, known, false),
        ...namesOf(statement.body, new Set([...known, ...statement.names, 'loop'])),
        ...namesOf(statement.whenEmpty, known),
      ]
    case 'set': {
      const used = free(statement.value, known, false)
      for (const name of statement.names) known.add(name)
      return used
    }
  }
}

const free = (expression: Expression, known: Set<string>, tolerant: boolean): UsedName[] => [
  ...usedNames(expression, tolerant).filter(({ name }) => !known.has(name)),
  ...capturesIn(expression).flatMap((capture) => namesOf(capture.body, known)),
]

const capturesIn = (expression: Expression): (Expression & { kind: 'capture' })[] =>
  expression.kind === 'capture' ? [expression] : partsOf(expression).flatMap(capturesIn)

import { failureOf, JourneymanError } from '../../domain/errors.ts'
import { isList, isRecord, own, plainCopy, textOf } from './data.ts'
import { interpret } from './interpret.ts'
import { type Meter, maxDepth, newMeter, tooDeep } from './meter.ts'
import { mistake, parseExpression } from './parse-expression.ts'
import type { Scope } from './scope.ts'
import { onlyExpression, parseTemplate } from './templates.ts'
import { type UsedName, usedNames } from './used-names.ts'

/**
 * The language of `${ ... }`: Nunjucks' own, read by Nunjucks' own parser and evaluated here, over data only. What comes
 * back is a plain JSON copy. All of them throw `invalid_workflow` (it does not parse, a name is not set, no such
 * filter), `invalid_input` (data of the wrong kind), `limit_reached`, and what the scope throws.
 */
export const evaluate = (expression: string, scope: Scope): unknown => {
  const tree = parseExpression(bare(expression))
  return bounded((meter) => plainCopy(interpret(tree, { scope, meter, tolerant: false }), meter))
}

/** A condition, with or without `${}` round it. A name that is not set is undefined in it. */
export const test = (condition: string, scope: Scope): boolean => {
  const tree = parseExpression(bare(condition))
  return bounded((meter) => Boolean(interpret(tree, { scope, meter, tolerant: true })))
}

/**
 * Evaluates every expression in every text of a value, however deep. A text that is nothing but one expression becomes
 * the expression's value; inside a longer text a list or an object becomes JSON.
 */
export const render = (template: unknown, scope: Scope): unknown =>
  bounded((meter) => renderWithin(template, { scope, meter }, []))

/** The names that an expression (with or without `${}`) reads, each with where it stands and whether it may be unset. */
export const namesUsed = (expression: string, options: { tolerant?: boolean } = {}): UsedName[] =>
  usedNames(parseExpression(bare(expression)), options.tolerant ?? false)

/** The expression in a text that may write it with or without `${}`. */
export const bare = (text: string): string => {
  if (!text.includes('${')) return text
  const only = onlyExpression(parseTemplate(text))
  if (!only) throw mistake('is not one expression: write all of it inside one `${ }`')
  return only.expression
}

type Rendering = { scope: Scope; meter: Meter }

const renderWithin = (template: unknown, rendering: Rendering, path: string[]): unknown => {
  if (path.length > maxDepth) throw tooDeep()
  if (typeof template === 'string') return renderText(template, rendering, path)
  if (isList(template)) return template.map((item, index) => renderWithin(item, rendering, [...path, String(index)]))
  if (!isRecord(template)) return plainCopy(template, rendering.meter)
  const rendered: Record<string, unknown> = {}
  for (const key of Object.keys(template)) {
    if (key !== '__proto__') rendered[key] = renderWithin(own(template, key), rendering, [...path, key])
  }
  return rendered
}

const renderText = (text: string, { scope, meter }: Rendering, path: string[]): unknown => {
  const parts = parseTemplate(text)
  const value = (expression: string): unknown =>
    located(path, () => interpret(parseExpression(expression), { scope, meter, tolerant: false }))
  const only = onlyExpression(parts)
  if (only) return plainCopy(value(only.expression), meter)
  return parts
    .map((part) => {
      if (part.kind === 'open') return located(path, notClosed)
      return textOf(part.kind === 'text' ? part.text : value(part.expression), meter)
    })
    .join('')
}

const notClosed = (): never => {
  throw mistake('that `${` begins is not closed by `}`')
}

/** Says in which key of the template it went wrong. */
const located = <T>(path: string[], run: () => T): T => {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof JourneymanError) || path.length === 0) throw error
    const failure = failureOf(error)
    const detail = { ...failure.detail, path: path.join('.') }
    throw new JourneymanError(failure.code, `In \`${path.join('.')}\`: ${failure.message}`, { ...failure, detail })
  }
}

/** Whatever hostile data throws of its own (a getter, a proxy, a stack that ends) is one of our errors outside. */
const bounded = <T>(run: (meter: Meter) => T): T => {
  try {
    return run(newMeter())
  } catch (error) {
    if (error instanceof JourneymanError) throw error
    if (error instanceof RangeError) throw tooDeep()
    throw new JourneymanError('invalid_input', 'The expression met data that is not plain JSON.', { cause: error })
  }
}

export { parseTemplate } from './templates.ts'

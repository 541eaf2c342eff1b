import { mistakesIn } from './check-expressions.ts'
import type { Expression, Place, Statement } from './expression-tree.ts'
import { parsePrompt } from './parse-prompt.ts'

/** Filters, tests and functions that a prompt names and that are not there. */
export const promptMistakes = (text: string): { message: string; at: Place }[] =>
  parsePrompt(text).flatMap(expressionsIn).flatMap(mistakesIn)

const expressionsIn = (statement: Statement): Expression[] => {
  switch (statement.kind) {
    case 'text':
      return []
    case 'output':
    case 'set':
      return withBodies(statement.value)
    case 'if':
      return [statement.condition, ...[...statement.whenTrue, ...statement.whenFalse].flatMap(expressionsIn)]
    case 'for':
      return [statement.over, ...[...statement.body, ...statement.whenEmpty].flatMap(expressionsIn)]
  }
}

/** A filter block's body is a list of statements inside an expression. */
const withBodies = (expression: Expression): Expression[] => {
  if (expression.kind === 'capture') return expression.body.flatMap(expressionsIn)
  if (expression.kind === 'filter' && expression.input.kind === 'capture') {
    return [expression, ...withBodies(expression.input)]
  }
  return [expression]
}

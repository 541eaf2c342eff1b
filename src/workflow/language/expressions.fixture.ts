import { codeOf } from '../../domain/errors.ts'
import { evaluate } from './expressions.ts'
import type { Scope } from './scope.ts'

/** What the tests of expressions evaluate over. */
export const scopeOf = (data: Record<string, unknown>): Scope => ({
  get: (name) => data[name],
  names: () => Object.keys(data),
})

export const task = {
  id: '12',
  title: 'Add a "greeting" to `x`',
  status: 'todo',
  labels: ['ai', 'bug'],
  points: 5,
  epic: null,
  author: { name: 'Ada' },
}
export const scope = scopeOf({
  task,
  n: 3,
  zero: 0,
  empty: '',
  items: [
    { a: 1, k: 'x' },
    { a: 2, k: 'y' },
    { a: 1, k: 'z' },
  ],
})
export const value = (expression: string, data: Scope = scope): unknown => evaluate(expression, data)
export const codeFrom = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return codeOf(error)
  }
  return 'nothing was thrown'
}

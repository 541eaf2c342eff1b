import type { Definition, Template } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import type { Scope } from '../language/scope.ts'

/**
 * The names of one run, looked for in this order: what steps have set, the definition's variables (evaluated at first
 * use, once), its inputs, the names of the system.
 */
export type Variables = Scope & {
  set: (path: string, value: unknown) => void
  /** A value that an earlier worker had evaluated. */
  restore: (evaluated: Record<string, unknown>) => void
}

export const createVariables = (options: {
  definition: Definition
  inputs: Record<string, unknown>
  system: Record<string, () => unknown>
  evaluated: (name: string, value: unknown) => void
}): Variables => {
  const values = new Map<string, unknown>()
  const underway = new Set<string>()
  const lazy = (name: string, template: Template): unknown => {
    // A variable that needs itself is simply not defined while it is being found out.
    if (underway.has(name)) return undefined
    underway.add(name)
    try {
      const value = render(template, variables)
      values.set(name, value)
      options.evaluated(name, value)
      return value
    } finally {
      underway.delete(name)
    }
  }
  const variables: Variables = {
    get: (name) => {
      if (values.has(name)) return values.get(name)
      if (Object.hasOwn(options.definition.variables, name)) return lazy(name, options.definition.variables[name])
      if (Object.hasOwn(options.inputs, name)) return options.inputs[name]
      return Object.hasOwn(options.system, name) ? options.system[name]?.() : undefined
    },
    names: () => [
      ...new Set([
        ...values.keys(),
        ...Object.keys(options.definition.variables),
        ...Object.keys(options.inputs),
        ...Object.keys(options.system),
      ]),
    ],
    set: (path, value) => {
      const [first = path, ...rest] = path.split('.')
      values.set(first, rest.length === 0 ? value : withPath(values.get(first), rest, value))
    },
    restore: (evaluated) => {
      for (const [name, value] of Object.entries(evaluated)) values.set(name, value)
    },
  }
  return variables
}

/** A dotted path creates the objects that it goes through. */
const withPath = (object: unknown, [key = '', ...rest]: string[], value: unknown): Record<string, unknown> => {
  const base = typeof object === 'object' && object !== null && !Array.isArray(object) ? object : {}
  const child = (base as Record<string, unknown>)[key]
  return { ...base, [key]: rest.length === 0 ? value : withPath(child, rest, value) }
}

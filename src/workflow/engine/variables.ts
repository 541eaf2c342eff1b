import { asStored } from '../../store/json.ts'
import type { Definition } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import type { Scope } from '../language/scope.ts'

/** One value that a step has set, by its dotted path. */
export type Write = readonly [path: string, value: unknown]

/** Variables of the definition that were evaluated: for all of it, and under `@local` for one branch or iteration alone. */
export type Evaluated = Record<string, unknown>
export const localKey = '@local'

/**
 * The names of one definition, looked for in this order: what steps have set, the definition's variables (evaluated at first
 * use, once), its inputs, the names of the system. A branch or an iteration has a scope of its own: it sees what was there
 * when it began, and what it sets stays in it until it is merged.
 */
export type Variables = Scope & {
  set: (path: string, value: unknown) => void
  /** `names` are seen in the child and are no part of what it writes; nor are `seen`, the writes of others. */
  child: (names?: Names, seen?: readonly Write[]) => Variables
  /** What was set in this scope, in order. */
  writes: () => readonly Write[]
  merge: (writes: readonly Write[]) => void
  /** Takes back, when it is called, what has been set in this scope since, and what was worked out from that. */
  mark: () => () => void
  /** Values that an earlier worker had evaluated, as its journal has them. */
  restore: (evaluated: Evaluated) => void
  /** What was evaluated since the journal last kept it; `kept` is called once it has. */
  evaluated: () => { values: Evaluated | null; kept: () => void }
}

type Names = Record<string, () => unknown>

/** One scope: the definition's own is the first, each branch or iteration lies over those before it. */
type Frame = {
  set: Map<string, unknown>
  cached: Map<string, unknown>
  names: Names
  writes: Write[]
  /** Evaluated and not in the journal yet. */
  fresh: Record<string, unknown> | null
}

export const createVariables = (options: {
  definition: Definition
  inputs: Record<string, unknown>
  system: Names
}): Variables => {
  const inputs = Object.entries(options.inputs).map(([name, value]) => [name, () => value] as const)
  const first = createFrame({ ...options.system, ...Object.fromEntries(inputs) })
  return scopeOf([first], options.definition.variables)
}

const createFrame = (names: Names): Frame => ({ set: new Map(), cached: new Map(), names, writes: [], fresh: null })

const scopeOf = (frames: readonly Frame[], lazy: Definition['variables']): Variables => {
  const first = frames[0] as Frame
  const own = frames.at(-1) as Frame
  const underway = new Set<string>()

  /** The value with the depth of the scope that has it; a variable of the definition is as deep as what it was made of. */
  const find = (name: string): { value: unknown; depth: number } => {
    for (let depth = frames.length - 1; depth >= 0; depth--) {
      const frame = frames[depth] as Frame
      if (frame.set.has(name)) return { value: frame.set.get(name), depth }
      if (frame.cached.has(name)) return { value: frame.cached.get(name), depth }
      if (depth > 0 && Object.hasOwn(frame.names, name)) return { value: frame.names[name]?.(), depth }
    }
    // A variable that needs itself is simply not defined while it is being found out.
    if (Object.hasOwn(lazy, name)) return underway.has(name) ? { value: undefined, depth: 0 } : evaluate(name)
    return { value: Object.hasOwn(first.names, name) ? first.names[name]?.() : undefined, depth: 0 }
  }

  const evaluate = (name: string): { value: unknown; depth: number } => {
    underway.add(name)
    let depth = 0
    const get = (used: string): unknown => {
      const found = find(used)
      depth = Math.max(depth, found.depth)
      return found.value
    }
    try {
      const rendered = render(lazy[name], { get, names: scope.names })
      // As another worker reads it from the journal.
      const value = rendered === undefined ? undefined : asStored(rendered)
      const frame = depth === 0 ? first : own
      frame.cached.set(name, value)
      frame.fresh = { ...frame.fresh, [name]: value ?? null }
      return { value, depth }
    } finally {
      underway.delete(name)
    }
  }

  const put = (path: string, value: unknown): void => {
    const [name = path, ...rest] = path.split('.')
    own.set.set(name, rest.length === 0 ? value : withPath(find(name).value, rest, value))
  }

  const scope: Variables = {
    get: (name) => find(name).value,
    names: () => [
      ...new Set([
        ...frames.flatMap((frame) => [...frame.set.keys(), ...Object.keys(frame.names)]),
        ...Object.keys(lazy),
      ]),
    ],
    set: (path, value) => {
      put(path, value)
      own.writes.push([path, value])
    },
    child: (names = {}, seen = []) => {
      const child = createFrame(names)
      const inner = scopeOf([...frames, child], lazy)
      inner.merge(seen)
      child.writes = []
      return inner
    },
    writes: () => own.writes,
    merge: (writes) => {
      for (const [path, value] of writes) scope.set(path, value)
    },
    mark: () => {
      const [before, cached] = [new Map(own.set), new Map(own.cached)]
      const count = own.writes.length
      return () => {
        own.set = new Map(before)
        own.writes = own.writes.slice(0, count)
        // What a step has kept comes again with its row. The whole run's is known from the beginning to whoever goes on.
        if (own !== first) own.cached = new Map(cached)
      }
    },
    restore: ({ [localKey]: local, ...whole }) => {
      for (const [name, value] of Object.entries(whole)) first.cached.set(name, value)
      for (const [name, value] of Object.entries((local ?? {}) as object)) own.cached.set(name, value)
    },
    evaluated: () => {
      const whole = first.fresh
      const local = own === first ? null : own.fresh
      const values = whole === null && local === null ? null : { ...whole, ...(local && { [localKey]: local }) }
      const kept = (): void => {
        if (first.fresh === whole) first.fresh = null
        if (own !== first && own.fresh === local) own.fresh = null
      }
      return { values, kept }
    },
  }
  return scope
}

/** A dotted path creates the objects that it goes through. */
const withPath = (object: unknown, [key = '', ...rest]: string[], value: unknown): Record<string, unknown> => {
  const base = typeof object === 'object' && object !== null && !Array.isArray(object) ? object : {}
  const child = Object.hasOwn(base, key) ? (base as Record<string, unknown>)[key] : undefined
  return { ...base, [key]: rest.length === 0 ? value : withPath(child, rest, value) }
}

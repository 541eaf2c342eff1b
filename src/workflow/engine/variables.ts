import { type Evaluated, evaluatedKey, readEvaluatedKey } from '../../domain/evaluated.ts'
import { asStored } from '../../store/json.ts'
import type { Definition } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import type { Scope } from '../language/scope.ts'

/** One value that a step has set, by its dotted path. */
export type Write = readonly [path: string, value: unknown]

/** What a branch leaves to the scope around it when it has ended. */
export type Left = { writes: readonly Write[]; workedOut: ReadonlyMap<string, WorkedOut> }

/**
 * The names of one definition, looked for in this order: what steps have set, the definition's variables (worked out at first
 * use, once), its inputs, the names of the system. A branch or an iteration has a scope of its own: it sees what was there
 * when it began, and what it sets stays in it until it is merged. So does a variable that is worked out in it. Made of nothing
 * of the branch's own, it is the same in every branch, and stands for what is around when the branch has ended; else it
 * belongs to the branch, and is worked out anew by whoever needs it outside.
 */
export type Variables = Scope & {
  set: (path: string, value: unknown) => void
  /** `names` are seen in the child and are no part of what it writes; nor is `seen`, what others have left. */
  child: (names?: Names, seen?: readonly Left[]) => Variables
  /** The same scope with more names. */
  beside: (names: Names) => Scope
  /** What was set in this scope, in order. */
  writes: () => readonly Write[]
  /** With that of the variables which stands for what is around. */
  left: () => Left
  merge: (left: Left) => void
  /** Takes back, when it is called, what has been set in this scope since, and what was worked out from that. */
  mark: () => () => void
  /** Values that an earlier worker had evaluated, as its journal has them. */
  restore: (evaluated: Evaluated) => void
  /** What was evaluated since the journal last kept it; `kept` is called once it has. */
  evaluated: () => { values: Evaluated | null; kept: () => void }
}

type Names = Record<string, () => unknown>

/** `depth`: of the innermost scope that it is made of. `merged`: it came from a branch, in whose rows it is kept. */
type WorkedOut = { value: unknown; depth: number; merged: boolean }

/** One scope: the definition's own is the first, each branch or iteration lies over those before it. */
type Frame = {
  set: Map<string, unknown>
  cached: Map<string, WorkedOut>
  names: Names
  writes: Write[]
  /** Evaluated and not in the journal yet. */
  fresh: Evaluated | null
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

/** `home`: the scope to which it belongs what is worked out, and what is set; all above it only adds names. */
const scopeOf = (
  frames: readonly Frame[],
  lazy: Definition['variables'],
  home: number = frames.length - 1,
): Variables => {
  const first = frames[0] as Frame
  const own = frames[home] as Frame
  const underway = new Set<string>()

  /** The value with the depth of the scope that has it; a variable of the definition is as deep as what it was made of. */
  const find = (name: string): { value: unknown; depth: number } => {
    for (let depth = frames.length - 1; depth >= 0; depth--) {
      const frame = frames[depth] as Frame
      if (frame.set.has(name)) return { value: frame.set.get(name), depth }
      const known = frame.cached.get(name)
      if (known) return known
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
      if (depth <= home) keepFresh(name, value, depth)
      return { value, depth }
    } finally {
      underway.delete(name)
    }
  }

  const keepFresh = (name: string, value: unknown, depth: number): void => {
    own.cached.set(name, { value, depth, merged: false })
    own.fresh = { ...own.fresh, [home === 0 ? name : evaluatedKey(name, depth)]: value ?? null }
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
      for (const left of seen) inner.merge(left)
      child.writes = []
      return inner
    },
    beside: (names) => scopeOf([...frames, createFrame(names)], lazy, home),
    writes: () => own.writes,
    left: () => ({ writes: own.writes, workedOut: standingOf(own, home) }),
    merge: ({ writes, workedOut }) => {
      for (const [path, value] of writes) scope.set(path, value)
      // Of several that have it the first in the order of the file; they differ only where one has seen what another has set.
      for (const [name, known] of workedOut) if (!own.cached.has(name)) own.cached.set(name, { ...known, merged: true })
    },
    mark: () => {
      const [before, cached] = [new Map(own.set), new Map(own.cached)]
      const count = own.writes.length
      // What a row has kept comes again with it. What was worked out outside of every branch is known to whoever goes on.
      const stays = ([name, { merged }]: [string, WorkedOut]): boolean => cached.has(name) || (home === 0 && !merged)
      return () => {
        own.set = new Map(before)
        own.writes = own.writes.slice(0, count)
        own.cached = new Map([...own.cached].filter(stays))
      }
    },
    restore: (evaluated) => {
      for (const [key, value] of Object.entries(evaluated)) {
        const { name, depth } = readEvaluatedKey(key)
        const frame = depth === null ? first : own
        frame.cached.set(name, { value, depth: depth ?? 0, merged: false })
      }
    },
    evaluated: () => {
      const [whole, local] = [first.fresh, own.fresh]
      const kept = (): void => {
        if (first.fresh === whole) first.fresh = null
        if (own.fresh === local) own.fresh = null
      }
      return { values: whole === null && local === null ? null : { ...whole, ...local }, kept }
    },
  }
  return scope
}

/** Only what the journal has: whoever goes on would not know of the rest. */
const standingOf = ({ cached, fresh }: Frame, depth: number): Map<string, WorkedOut> =>
  new Map(
    [...cached].filter(
      ([name, known]) => known.depth < depth && !(fresh && Object.hasOwn(fresh, evaluatedKey(name, known.depth))),
    ),
  )

/** A dotted path creates the objects that it goes through. */
const withPath = (object: unknown, [key = '', ...rest]: string[], value: unknown): Record<string, unknown> => {
  const base = typeof object === 'object' && object !== null && !Array.isArray(object) ? object : {}
  const child = Object.hasOwn(base, key) ? (base as Record<string, unknown>)[key] : undefined
  return { ...base, [key]: rest.length === 0 ? value : withPath(child, rest, value) }
}

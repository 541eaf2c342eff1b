import { parseAddress } from '../domain/address.ts'
import { readEvaluatedKey } from '../domain/evaluated.ts'
import type { StepRow } from '../store/steps.ts'
import type { Definition, Step } from '../workflow/language/definition.ts'
import { everyStep } from '../workflow/language/steps-within.ts'

/**
 * What the run's own variables were in the end, read from the journal: what each finished step gave by its `outputs`, in
 * the order of the file and of the items, as the engine merges it, and the definition's variables as they were first
 * evaluated; but for those that were made of what only one branch had.
 */
export const variablesOf = (definition: Definition, rows: readonly StepRow[]): Record<string, unknown> => {
  const known = new Map(everyStep(definition).map((step) => [step.name, step]))
  const foreign = rows.filter((row) => row.kind === 'workflow').map((row) => `${row.address}/`)
  const own = rows.filter((row) => !foreign.some((prefix) => row.address.startsWith(prefix)))
  const place = placesIn([...known.keys()])
  const inOrder = own.map((row) => ({ row, at: place(row.address) })).toSorted((a, b) => compare(a.at, b.at))
  const ended = inOrder.flatMap(({ row }) => (row.state === 'done' ? [row] : []))
  const variables: Record<string, unknown> = {}
  for (const { row } of inOrder) {
    for (const [key, value] of Object.entries(row.evaluated ?? {})) {
      const { name, depth } = readEvaluatedKey(key)
      if ((depth ?? 0) === 0 && !Object.hasOwn(variables, name)) variables[name] = value
    }
  }
  for (const row of ended) {
    const step = known.get(row.name)
    if (step) for (const [path, value] of written(step, row.result)) put(variables, path.split('.'), value)
  }
  return variables
}

/** What comes after the end comes in this order, and what is inside of a step where that stands. */
const afterEnd: readonly string[] = ['@on_success', '@on_failure', '@always']

const placesIn = (names: readonly string[]): ((address: string) => number[]) => {
  const places = new Map([...names, ...afterEnd].map((name, index) => [name, index]))
  return (address) => {
    const segments = parseAddress(address) ?? []
    // What holds other steps has its own outputs when they have theirs.
    const within = (level: number): number => (level === segments.length - 1 ? Number.MAX_SAFE_INTEGER : -1)
    return segments.flatMap(({ name, index }, level) => [places.get(name) ?? -1, index ?? within(level)])
  }
}

const compare = (one: readonly number[], other: readonly number[]): number => {
  const differs = one.findIndex((at, level) => at !== other[level])
  return differs === -1 ? one.length - other.length : (one[differs] ?? 0) - (other[differs] ?? -1)
}

const written = (step: Step, result: unknown): [string, unknown][] => {
  const fields = isObject(result) ? result : {}
  const set = step.type === 'system' && step.action === 'set' ? Object.entries(fields) : []
  return [
    ...set,
    ...Object.entries(step.outputs).map(([field, path]): [string, unknown] => [path, valueIn(fields, field)]),
  ]
}

/** A dotted field goes into what was given, as in the run. */
const valueIn = (fields: Record<string, unknown>, field: string): unknown =>
  field
    .split('.')
    .reduce<unknown>((found, key) => (isObject(found) && Object.hasOwn(found, key) ? found[key] : null), fields) ?? null

const put = (into: Record<string, unknown>, [key = '', ...rest]: string[], value: unknown): void => {
  if (rest.length === 0) {
    into[key] = value
    return
  }
  const inner = isObject(into[key]) ? { ...into[key] } : {}
  put(inner, rest, value)
  into[key] = inner
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

import type { StepRow } from '../store/steps.ts'
import type { Definition, Step } from '../workflow/language/definition.ts'
import { everyStep } from '../workflow/language/steps-within.ts'

/**
 * What the run's own variables were in the end, read from the journal: what each finished step gave by its `outputs`, in
 * the order in which they ended, and the definition's variables as they were first evaluated.
 */
export const variablesOf = (definition: Definition, rows: readonly StepRow[]): Record<string, unknown> => {
  const known = new Map(everyStep(definition).map((step) => [step.name, step]))
  const foreign = rows.filter((row) => row.kind === 'workflow').map((row) => `${row.address}/`)
  const own = rows.filter((row) => !foreign.some((prefix) => row.address.startsWith(prefix)))
  const ended = own.filter((row) => row.state === 'done').toSorted((a, b) => orderOf(a) - orderOf(b))
  const variables: Record<string, unknown> = {}
  for (const row of own) Object.assign(variables, row.evaluated ?? {})
  for (const row of ended) {
    const step = known.get(row.name)
    if (step) for (const [path, value] of written(step, row.result)) put(variables, path.split('.'), value)
  }
  return variables
}

const orderOf = (row: StepRow): number => row.finishOrder ?? 0

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

import { type Config, reloadable } from './schema.ts'

/** Dotted keys whose values differ, apart by whether a running process may take them over. */
export type ConfigChange = { live: string[]; restart: string[] }

export const compareConfigs = (before: Config, after: Config): ConfigChange => {
  const old = new Map(leavesOf(before))
  const changed = leavesOf(after).filter(([key, value]) => old.get(key) !== value)
  const keys = changed.map(([key]) => key).toSorted()
  return { live: keys.filter(isReloadable), restart: keys.filter((key) => !isReloadable(key)) }
}

/** The old configuration with what may be taken over from the new one. */
export const takeOver = (before: Config, after: Config): Config => {
  const result = structuredClone(before)
  for (const key of reloadable) copyValue(result, after, key.split('.'))
  return result
}

const copyValue = (to: object, from: object, path: readonly string[]): void => {
  const [key = '', ...deeper] = path
  const inner: unknown = Reflect.get(from, key)
  if (deeper.length === 0) Reflect.set(to, key, structuredClone(inner))
  else copyValue(Reflect.get(to, key), inner as object, deeper)
}

const isReloadable = (key: string): boolean => reloadable.some((live) => key === live || key.startsWith(`${live}.`))

const leavesOf = (value: unknown, path = ''): [string, string][] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, JSON.stringify(value)]]
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, path === '' ? key : `${path}.${key}`))
}

import type { Source, Violation } from './read-sources.ts'

/** Each circle of imports once, as the way round. Type-only imports count: a circle of types is one thought in two files. */
export const findCycles = (sources: Source[]): Violation[] => {
  const graph = new Map(sources.map((source) => [source.path, targetsOf(source)]))
  const done = new Set<string>()
  const cycles = new Map<string, Violation>()
  const visit = (path: string, trail: string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      const circle = trail.slice(start)
      const way = [...circle, path].join('\n    -> ')
      cycles.set(circle.toSorted().join(), `${way}\n  Move what both need into a third file.`)
      return
    }
    if (done.has(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return [...cycles.values()]
}

const targetsOf = (source: Source): string[] =>
  source.imports.map((found) => found.target).filter((target) => target !== null)

/** What is known of a name at one point of a run. A name without a standing is not set there. */
export type Standing =
  | { sure: true }
  /** `reason` says why it may be missing; `guard` is the condition under which it is there. */
  | { sure: false; reason: string; severity: 'error' | 'warning'; guard: string | null }
export type Names = ReadonlyMap<string, Standing>

export const sure: Standing = { sure: true }

/** All of them have been gone through. */
export const merged = (names: Names, branches: readonly Names[]): Names => {
  const result = new Map(names)
  for (const [name, standing] of branches.flatMap((branch) => [...branch])) {
    if (!result.get(name)?.sure) result.set(name, standing)
  }
  return result
}

/** One of them has been gone through. */
export const joined = (names: Names, branches: readonly Names[], reason: string): Names => {
  const result = new Map(names)
  for (const name of new Set(branches.flatMap((branch) => [...branch.keys()]))) {
    const standings = branches.map((branch) => branch.get(name))
    const unsure = standings.find((standing) => standing !== undefined && !standing.sure)
    if (standings.every((standing) => standing?.sure)) result.set(name, sure)
    else result.set(name, unsure ?? { sure: false, reason, severity: 'error', guard: null })
  }
  return result
}

export const weakened = (names: Names, before: Names, reason: string): Names =>
  new Map([...names].map(([name, standing]) => [name, before.has(name) ? before.get(name)! : weaker(standing, reason)]))

const weaker = (standing: Standing, reason: string): Standing =>
  standing.sure ? { sure: false, reason, severity: 'warning', guard: null } : standing

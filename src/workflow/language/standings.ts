import type { Step } from './definition.ts'
import { anyName } from './may-set.ts'

/** What is known of a name at one point of a run. A name without a standing is not set there. */
export type Standing =
  /** `isOpen`: it counts as set, and what it is nobody knows. */
  | { sure: true; isOpen?: true }
  /** `reason` says why it may be missing; `guard` is the condition under which it is there. */
  | { sure: false; reason: string; severity: 'error' | 'warning'; guard: string | null }
export type Names = ReadonlyMap<string, Standing>

export const sure: Standing = { sure: true }

/** Something whose form is broken may set it. */
export const open: Standing = { sure: true, isOpen: true }

export const standingOf = (name: string, names: Names): Standing | undefined => {
  const own = names.get(name)
  return own?.sure ? own : (names.get(anyName) ?? own)
}

/** Something more has been gone through: a name that was not sure may be now. */
export const addTo = (names: Map<string, Standing>, more: Iterable<readonly [string, Standing]>): void => {
  for (const [name, standing] of more) if (!names.get(name)?.sure) names.set(name, standing)
}

/** What is known of a name behind a step that sets it. */
export const standingAfter = (step: Step, before: Standing | undefined): Standing => {
  if (before?.sure) return before
  if (step.condition !== null) {
    const reason = `it is set only by the step \`${step.name}\`, whose condition may not hold`
    return { sure: false, reason, severity: 'error', guard: step.condition }
  }
  if (step.onError !== 'continue') return sure
  const reason = `the step \`${step.name}\`, which sets it, may fail and the run goes on`
  return { sure: false, reason, severity: 'warning', guard: null }
}

/** One of them has been gone through. */
export const joined = (names: Names, branches: readonly Names[], reason: string): Names => {
  const result = new Map(names)
  for (const name of new Set(branches.flatMap((branch) => [...branch.keys()]))) {
    const standings = branches.map((branch) => branch.get(name))
    const unsure = standings.find((standing) => standing !== undefined && !standing.sure)
    if (standings.some((standing) => standing?.sure && standing.isOpen)) result.set(name, open)
    else if (standings.every((standing) => standing?.sure)) result.set(name, sure)
    else result.set(name, unsure ?? { sure: false, reason, severity: 'error', guard: null })
  }
  return result
}

export const weakened = (names: Names, before: Names, reason: string): Names =>
  new Map([...names].map(([name, standing]) => [name, before.has(name) ? before.get(name)! : weaker(standing, reason)]))

const weaker = (standing: Standing, reason: string): Standing =>
  standing.sure && !standing.isOpen ? { sure: false, reason, severity: 'warning', guard: null } : standing

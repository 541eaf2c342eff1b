import type { Definition } from './definition.ts'
import { everyStep } from './steps-within.ts'

/** The workflows that a step may use, by name; null for one that is there and cannot be read. */
export type Shelf = ReadonlyMap<string, Definition | null>

/** So deep may workflows use one another, the first not counted. */
export const maxUses = 5

/** The workflows that a definition uses, each once. */
export const usesOfDefinition = (definition: Definition): string[] => [
  ...new Set(everyStep(definition).flatMap((step) => (step.type === 'workflow' ? step.uses : []))),
]

/** The shortest way from a workflow to the one of that name: their names, both ends included. */
export const wayBack = (from: Definition, to: string, shelf: Shelf): string[] | null => {
  const seen = new Set([from.name])
  const open: [Definition, string[]][] = [[from, [from.name]]]
  for (const [definition, trail] of open) {
    for (const name of usesOfDefinition(definition)) {
      if (name === to) return [...trail, name]
      const next = shelf.get(name)
      if (!next || seen.has(name)) continue
      seen.add(name)
      open.push([next, [...trail, name]])
    }
  }
  return null
}

/** Each workflow is gone into once; one that is on the way already closes a circle, which its own check reports. */
export const longestChain = (
  from: Definition,
  shelf: Shelf,
  known = new Map<string, string[]>(),
  underway = new Set<string>(),
): string[] => {
  const done = known.get(from.name)
  if (done) return done
  underway.add(from.name)
  let longest: string[] = []
  for (const name of usesOfDefinition(from)) {
    const next = shelf.get(name)
    const chain = next && !underway.has(name) ? longestChain(next, shelf, known, underway) : [name]
    if (chain.length > longest.length) longest = chain
  }
  underway.delete(from.name)
  const chain = [from.name, ...longest]
  known.set(from.name, chain)
  return chain
}

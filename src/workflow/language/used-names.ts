import { type Expression, type Place, partsOf } from './expression-tree.ts'
import { isDefaultFilter } from './filters.ts'
import { asksWhetherDefined } from './predicates.ts'

export type UsedName = {
  name: string
  /** It may be unset: it stands in a condition, before `is defined`, or before `default(...)`. */
  optional: boolean
  /** The members read of it, as far as they are written out: `task.author.name` gives `author`, `name`. */
  path: string[]
  at: Place
}

export const usedNames = (node: Expression, tolerant: boolean): UsedName[] => {
  const chain = chainOf(node)
  if (chain) return [{ ...chain, optional: tolerant }]
  if (node.kind === 'filter' && isDefaultFilter(node.name)) {
    const rest = partsOf(node).slice(1)
    return [...usedNames(node.input, true), ...rest.flatMap((part) => usedNames(part, tolerant))]
  }
  const inner = tolerant || (node.kind === 'is' && asksWhetherDefined(node.test))
  return partsOf(node).flatMap((part) => usedNames(part, inner))
}

const chainOf = (node: Expression): Omit<UsedName, 'optional'> | null => {
  if (node.kind === 'name') return { name: node.name, path: [], at: node.at }
  if (node.kind !== 'member' || node.key.kind !== 'literal') return null
  const target = chainOf(node.target)
  return target && { ...target, path: [...target.path, String(node.key.value)] }
}

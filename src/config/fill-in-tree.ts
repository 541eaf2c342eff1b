import { parse } from 'yaml'
import type { ConfigNode, ConfigProblem, ConfigValue } from './config-tree.ts'
import type { WantedKind } from './schema-shape.ts'
import { substitute } from './substitute.ts'
import type { FindVariable } from './variables.ts'

export type Filled = {
  tree: ConfigNode
  problems: ConfigProblem[]
  /** Dotted key -> the variables that its value was made of. */
  used: Map<string, string[]>
}

/** The tree with every `${...}` replaced; a value that is one whole substitution becomes what the schema wants there. */
export const fillInTree = (
  root: ConfigNode,
  find: FindVariable,
  wanted: (path: readonly string[]) => WantedKind | null,
): Filled => {
  const problems: ConfigProblem[] = []
  const used = new Map<string, string[]>()
  const fill = (node: ConfigNode, path: string[]): ConfigNode => {
    if (node.kind === 'list') return { ...node, items: node.items.map((item, at) => fill(item, [...path, String(at)])) }
    if (node.kind === 'map') {
      const entries = [...node.entries].map(
        ([key, entry]) => [key, { ...entry, node: fill(entry.node, [...path, key]) }] as const,
      )
      return { ...node, entries: new Map(entries) }
    }
    if (node.literal || typeof node.value !== 'string') return node
    const substitution = substitute(node.value, find)
    const key = path.join('.')
    if (substitution.used.length > 0) used.set(key, substitution.used)
    for (const message of substitution.problems) problems.push({ ...node.place, key, message })
    return substitution.whole
      ? readAgain(node, substitution.text, wanted(path))
      : { ...node, value: substitution.text, literal: true }
  }
  return { tree: fill(root, []), problems, used }
}

/** What does not read as the wanted kind stays text, and the schema says what is wrong with it. */
const readAgain = (node: ConfigValue, text: string, wanted: WantedKind | null): ConfigNode => {
  if (wanted === 'number' && /^\s*[-+]?[0-9.]+(e[-+]?[0-9]+)?\s*$/i.test(text)) return { ...node, value: Number(text) }
  if (wanted === 'boolean' && /^\s*(true|false)\s*$/i.test(text)) return { ...node, value: /true/i.test(text) }
  if (wanted === 'list') return readList(node, text)
  return { ...node, value: text, literal: true }
}

/** `[1, 2]` or `1, 2`: scalars only. */
const readList = (node: ConfigValue, text: string): ConfigNode => {
  try {
    const items: unknown = parse(text.trim().startsWith('[') ? text : `[${text}]`, {
      maxAliasCount: 0,
      logLevel: 'silent',
    })
    if (Array.isArray(items) && items.every(isScalarValue)) {
      return {
        kind: 'list',
        place: node.place,
        items: items.map((value) => ({ kind: 'value', place: node.place, value, literal: true })),
      }
    }
  } catch {
    // Not a list: the schema says so, at the place of the key.
  }
  return { ...node, value: text, literal: true }
}

const isScalarValue = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

/** Where something was written. 1-based; `line` 0 is what did not come from a file. */
export type Place = { file: string; line: number; column: number }

/** What a configuration file says, with the place of every key and value, so that a mistake can be pointed at. */
export type ConfigNode =
  | { kind: 'map'; place: Place; entries: Map<string, { place: Place; node: ConfigNode }> }
  | { kind: 'list'; place: Place; items: ConfigNode[] }
  | { kind: 'value'; place: Place; value: string | number | boolean | null; literal: boolean }

export type ConfigValue = Extract<ConfigNode, { kind: 'value' }>

/** One mistake, for a person. `message` goes on after the key, and never holds a value. */
export type ConfigProblem = Place & { key: string; message: string }

/** The later one wins, map by map. A map that was left empty (`runs:` and nothing below it) changes nothing. */
export const mergeTrees = (under: ConfigNode, over: ConfigNode): ConfigNode => {
  if (under.kind !== 'map') return over
  if (over.kind === 'value' && over.value === null) return under
  if (over.kind !== 'map') return over
  const entries = new Map(under.entries)
  for (const [key, entry] of over.entries) {
    const below = entries.get(key)
    entries.set(key, below === undefined ? entry : { place: entry.place, node: mergeTrees(below.node, entry.node) })
  }
  return { kind: 'map', place: over.place, entries }
}

/** A value of the program itself (an override): taken as it is, without substitution. */
export const treeOf = (value: unknown, place: Place): ConfigNode => {
  if (Array.isArray(value)) return { kind: 'list', place, items: value.map((item) => treeOf(item, place)) }
  if (typeof value === 'object' && value !== null) {
    const given = Object.entries(value).filter(([, inner]) => inner !== undefined)
    return {
      kind: 'map',
      place,
      entries: new Map(given.map(([key, inner]) => [key, { place, node: treeOf(inner, place) }])),
    }
  }
  return { kind: 'value', place, value: value as ConfigValue['value'], literal: true }
}

export const plainOf = (node: ConfigNode): unknown => {
  if (node.kind === 'value') return node.value
  if (node.kind === 'list') return node.items.map(plainOf)
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainOf(entry.node)]))
}

/** The place of a key, or of the nearest thing above it that was written down. */
export const placeOf = (root: ConfigNode, path: readonly PropertyKey[]): Place => {
  let place = root.place
  let node: ConfigNode | undefined = root
  for (const part of path) {
    if (node?.kind === 'map') {
      const entry = node.entries.get(String(part))
      if (entry === undefined) return place
      place = entry.place
      node = entry.node
    } else if (node?.kind === 'list') {
      node = node.items[Number(part)]
      if (node === undefined) return place
      place = node.place
    }
  }
  return place
}

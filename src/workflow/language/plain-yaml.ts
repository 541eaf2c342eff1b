import { type Alias, type Document, isAlias, isMap, isScalar, isSeq } from 'yaml'
import { isClosed } from './data.ts'

/** Something that a YAML text may say and a workflow may not, and where it begins in the text. */
export type YamlMistake = { offset: number; message: string }

const mostLevels = 100
/** Anchors are welcome, a bomb of them is not. */
const mostAliases = 50
const mostValues = 100_000
const mostMistakes = 50

/** What a document says, as plain data. Bounded in depth and size whatever its aliases; a key stands once in a map. */
export const plainYaml = (document: Document): { value: unknown; mistakes: YamlMistake[] } => {
  const reading: Reading = { document, mistakes: [], values: 0, aliases: 0, underway: new Set() }
  const value = plain(document.contents, 0, reading)
  return { value: reading.mistakes.length === 0 ? value : null, mistakes: reading.mistakes }
}

type Reading = {
  document: Document
  mistakes: YamlMistake[]
  values: number
  aliases: number
  underway: Set<unknown>
}

const plain = (node: unknown, depth: number, reading: Reading): unknown => {
  reading.values += 1
  if (isScalar(node)) return scalar(node.value, node, reading)
  if (depth >= mostLevels) return refuse(node, `This is nested deeper than ${mostLevels} levels.`, reading)
  if (reading.values > mostValues) return refuse(node, `The file says more than ${mostValues} values.`, reading)
  if (isAlias(node)) return aliased(node, depth, reading)
  if (reading.mistakes.length >= mostMistakes) return null
  if (isSeq(node)) return node.items.map((item) => plain(item, depth + 1, reading))
  if (!isMap(node)) return null
  const record: Record<string, unknown> = {}
  for (const pair of node.items) {
    const key = keyOf(pair.key, record, reading)
    const value = plain(pair.value, depth + 1, reading)
    if (key !== null) record[key] = value
  }
  return record
}

/** Texts, numbers, true, false and null are what a workflow is made of; a large number may have come as a bigint. */
const scalar = (value: unknown, node: unknown, reading: Reading): unknown => {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return refuse(node, 'This is no number.', reading)
  if (typeof value !== 'object' || value === null) return value ?? null
  return refuse(node, 'Tags (`!!…`) are not understood here: write the value as it is.', reading)
}

const aliased = (alias: Alias, depth: number, reading: Reading): unknown => {
  reading.aliases += 1
  // Finding an anchor goes through the whole file, so it is counted first.
  if (reading.aliases === mostAliases + 1) {
    return refuse(alias, `The file uses anchors more than ${mostAliases} times.`, reading)
  }
  const node = reading.aliases > mostAliases ? null : alias.resolve(reading.document)
  if (node === null) return null
  if (node === undefined) return refuse(alias, `There is no anchor \`&${shown(alias.source)}\` before this.`, reading)
  if (reading.underway.has(node)) return refuse(alias, 'This stands for something that it is a part of.', reading)
  reading.underway.add(node)
  const value = plain(node, depth, reading)
  reading.underway.delete(node)
  return value
}

const keyOf = (key: unknown, record: Record<string, unknown>, reading: Reading): string | null => {
  if (!isScalar(key)) return refuse(key, 'A key must be a text.', reading)
  const name = String(key.value ?? '')
  if (isClosed(name))
    return refuse(key, `The key \`${name}\` is out of reach of every expression: take another.`, reading)
  if (name === '<<') return refuse(key, 'Merge keys (`<<`) are not understood: write the keys out.', reading)
  if (Object.hasOwn(record, name)) return refuse(key, `The key \`${shown(name)}\` is here twice.`, reading)
  return name
}

const shown = (name: string): string => name.slice(0, 60)

const refuse = (node: unknown, message: string, reading: Reading): null => {
  const range = typeof node === 'object' && node !== null && 'range' in node ? (node.range as number[] | null) : null
  if (reading.mistakes.length < mostMistakes) reading.mistakes.push({ offset: range?.[0] ?? 0, message })
  return null
}

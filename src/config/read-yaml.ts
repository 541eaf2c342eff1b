import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml'
import type { ConfigNode, ConfigProblem, Place } from './config-tree.ts'

/** Bounds that no honest file comes near, and that a bomb runs into. */
const maxKilobytes = 64
const maxNodes = 5000
const maxDepth = 20
const maxAliases = 50

/** They would reach the prototype of the object that a file becomes. */
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** `tree` is null for an empty file, and where there are problems. */
export type YamlReading = { tree: ConfigNode | null; problems: ConfigProblem[] }

/** Reads one file into a tree that knows its places. Never throws; a message never quotes the file. */
export const readYaml = (text: string, file: string): YamlReading => {
  const start: Place = { file, line: 1, column: 1 }
  if (Buffer.byteLength(text) > maxKilobytes * 1024) return refusal(start, `the file is over ${maxKilobytes} KB`)
  try {
    const lines = new LineCounter()
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
    const faults = [...document.errors, ...document.warnings].slice(0, 20)
    const problems = faults.map((fault) => ({
      ...placeAt(lines, file, fault.pos[0]),
      key: '',
      message: sentences[fault.code] ?? `this is not valid YAML (${fault.code})`,
    }))
    if (problems.length > 0 || document.contents === null) return { tree: null, problems }
    return convertDocument(document, lines, file)
  } catch (error) {
    if (error instanceof RangeError) return refusal(start, 'the file is nested too deep')
    throw error
  }
}

type Conversion = {
  document: Document
  place: (node: ParsedNode) => Place
  nodes: number
  aliases: number
  problems: ConfigProblem[]
}

const convertDocument = (document: Document.Parsed, lines: LineCounter, file: string): YamlReading => {
  const conversion: Conversion = {
    document,
    place: (node) => placeAt(lines, file, node.range[0]),
    nodes: 0,
    aliases: 0,
    problems: [],
  }
  const tree = convert(conversion, document.contents as ParsedNode, [])
  return { tree: conversion.problems.length > 0 ? null : tree, problems: conversion.problems }
}

/** Aliases are followed within the same bounds, so that one which holds itself ends at the depth. */
const convert = (conversion: Conversion, node: ParsedNode | null, path: string[]): ConfigNode | null => {
  if (node === null) return null
  const place = conversion.place(node)
  const refuse = (message: string): null => {
    conversion.problems.push({ ...place, key: path.join('.'), message })
    return null
  }
  if (conversion.problems.length > 0 && (conversion.nodes > maxNodes || conversion.aliases > maxAliases)) return null
  if (++conversion.nodes > maxNodes) return refuse(`there are more than ${maxNodes} values here, aliases counted`)
  if (path.length > maxDepth) return refuse(`this is nested more than ${maxDepth} levels deep`)
  if (isAlias(node)) {
    if (++conversion.aliases > maxAliases) return refuse(`there are more than ${maxAliases} aliases here`)
    const meant = node.resolve(conversion.document) as ParsedNode | undefined
    return meant === undefined ? refuse(sentences['BAD_ALIAS'] ?? '') : convert(conversion, meant, path)
  }
  if (isMap(node)) return convertMap(conversion, node.items as MapItem[], place, path)
  if (isSeq(node)) {
    const items = node.items.map((item, index) => convert(conversion, item as ParsedNode, [...path, String(index)]))
    return { kind: 'list', place, items: items.filter((item) => item !== null) }
  }
  if (!isScalar(node)) return refuse('this kind of value has no place in a configuration')
  const value: unknown = node.value
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return { kind: 'value', place, value, literal: false }
  }
  return refuse('this kind of value has no place in a configuration')
}

type MapItem = { key: ParsedNode; value: ParsedNode | null }

const convertMap = (conversion: Conversion, items: MapItem[], place: Place, path: string[]): ConfigNode => {
  const entries = new Map<string, { place: Place; node: ConfigNode }>()
  for (const item of items) {
    const keyPlace = conversion.place(item.key)
    const key: unknown = isScalar(item.key) ? item.key.value : undefined
    if (typeof key !== 'string') {
      conversion.problems.push({ ...keyPlace, key: path.join('.'), message: 'a key has to be a plain word' })
    } else if (forbiddenKeys.has(key)) {
      conversion.problems.push({ ...keyPlace, key: [...path, key].join('.'), message: 'this key is not allowed' })
    } else {
      const node = convert(conversion, item.value, [...path, key])
      const empty: ConfigNode = { kind: 'value', place: keyPlace, value: null, literal: false }
      entries.set(key, { place: keyPlace, node: node ?? empty })
    }
  }
  return { kind: 'map', place, entries }
}

const placeAt = (lines: LineCounter, file: string, offset: number): Place => {
  const { line, col } = lines.linePos(offset)
  return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
}

const refusal = (place: Place, message: string): YamlReading => ({
  tree: null,
  problems: [{ ...place, key: '', message }],
})

/** The parser's own texts quote what they stumbled on, which may be a secret; so its codes are told in our words. */
const sentences: Record<string, string> = {
  BAD_ALIAS: 'this alias has no anchor before it',
  BAD_DQ_ESCAPE: 'there is no such escape in a double-quoted text; use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines around it; is a bracket missing?',
  BAD_SCALAR_START: 'a text that begins like this has to be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'there are two ": " on one line; quote the text',
  DUPLICATE_KEY: 'this key stands twice in the same block',
  MISSING_CHAR: 'a quote, a bracket, a comma or a colon is missing',
  MULTILINE_IMPLICIT_KEY: 'a ":" is missing after a key',
  MULTIPLE_DOCS: 'a second document ("---") has no place in a configuration',
  RESOURCE_EXHAUSTION: 'this is nested too deep',
  TAB_AS_INDENT: 'a tab cannot indent YAML; use spaces',
  TAG_RESOLVE_FAILED: 'this "!" tag is not known here',
  UNEXPECTED_TOKEN: 'this does not belong here; is a quote or a bracket missing?',
}

import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import { isClosed } from './data.ts'
import type { Position, Problem } from './definition.ts'

export type Path = readonly (string | number)[]

/** A YAML text, read, that knows where everything in it stands. */
export type YamlSource = {
  file: string
  text: string
  /** Plain data; null when the text could not be read. */
  value: unknown
  problems: Problem[]
  /** Where a value stands; the nearest that exists around it when it is missing. */
  at: (path: Path) => Position
  /** Where a key stands. */
  atKey: (path: Path, key: string) => Position
  /** Where a part of a text value stands: `inside` is looked for in the source from the value's beginning. */
  atText: (path: Path, inside: string) => Position
}

const maxSourceLength = 256 * 1024
/** Anchors are welcome, a bomb of them is not. */
const maxAliasCount = 50

export const readYaml = (text: string, file: string): YamlSource => {
  const lines = new LineCounter()
  const problem = (position: Position, message: string): Problem => ({
    file,
    ...position,
    path: '',
    message,
    severity: 'error',
  })
  const nothing = (problems: Problem[]): YamlSource => {
    const start = () => ({ line: 1, column: 1 })
    return { file, text, value: null, problems, at: start, atKey: start, atText: start }
  }
  if (text.length > maxSourceLength) {
    return nothing([
      problem({ line: 1, column: 1 }, `The file is longer than ${maxSourceLength} characters, its limit.`),
    ])
  }
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
    const positionOf = positions(document, lines, text)
    const problems = [...document.errors, ...document.warnings].map(({ pos, message }) =>
      problem(positionFrom(lines, pos[0]), sentence(message)),
    )
    problems.push(...closedKeys(document, lines).map((position) => problem(position, 'This key is out of reach.')))
    const value = problems.length === 0 ? document.toJS({ maxAliasCount }) : null
    return { file, text, value, problems, ...positionOf }
  } catch (error) {
    const isDeep = error instanceof RangeError
    const what = isDeep
      ? 'The file is nested too deeply.'
      : `The file cannot be read: ${sentence(String((error as Error).message))}`
    return nothing([problem({ line: 1, column: 1 }, what)])
  }
}

const sentence = (message: string): string => (/[.!?]$/.test(message) ? message : `${message}.`)

const positionFrom = (lines: LineCounter, offset: number): Position => {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

const closedKeys = (document: Document, lines: LineCounter): Position[] => {
  const found: Position[] = []
  visit(document, {
    Pair: (_key, pair) => {
      if (!isScalar(pair.key) || !isClosed(String(pair.key.value))) return
      found.push(positionFrom(lines, pair.key.range?.[0] ?? 0))
    },
  })
  return found
}

type Positions = Pick<YamlSource, 'at' | 'atKey' | 'atText'>

const positions = (document: Document, lines: LineCounter, text: string): Positions => {
  const rangeAt = (path: Path): [number, number] => {
    for (let length = path.length; length >= 0; length--) {
      const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
      const range = rangeOf(node)
      if (range) return range
    }
    return [0, 0]
  }
  const at = (path: Path): Position => positionFrom(lines, rangeAt(path)[0])
  return {
    at,
    atKey: (path, key) => {
      const map = path.length === 0 ? document.contents : document.getIn(path, true)
      const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined
      const range = isPair(pair) ? rangeOf(pair.key) : null
      return range ? positionFrom(lines, range[0]) : at(path)
    },
    atText: (path, inside) => {
      const [from, to] = rangeAt(path)
      const found = text.indexOf(inside, from)
      return positionFrom(lines, found === -1 || found >= to ? from : found)
    },
  }
}

const rangeOf = (node: unknown): [number, number] | null => {
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null
  return node.range ? [node.range[0], node.range[1]] : null
}

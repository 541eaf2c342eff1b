import { Composer, type CST, type Document, isMap, isScalar, isSeq, Parser, type YAMLError, YAMLParseError } from 'yaml'
import type { Position, Problem } from './definition.ts'
import { plainYaml } from './plain-yaml.ts'

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

/** Characters. More is refused before anything reads it. */
export const maxSourceLength = 512 * 1024

export const readYaml = (given: string, file: string): YamlSource => {
  // A mark of the byte order is no part of the text, and editors count without it.
  const text = given.startsWith('\ufeff') ? given.slice(1) : given
  const refused = refusedAtSight(text)
  if (refused) return unreadable(text, file, [refused])
  const at = positionsIn(text)
  try {
    const document = read(text)
    const broken = causesIn([...document.errors, ...document.warnings]).slice(0, mostTold)
    if (broken.some(({ message }) => message.includes('call stack'))) throw new RangeError('The stack has ended.')
    const found = broken.map(({ pos, message, code }) => ({ ...at(pos[0]), message: sentenceFor(code, message) }))
    const { value, mistakes } = found.length === 0 ? plainYaml(document) : { value: null, mistakes: [] }
    const all = [...found, ...mistakes.map(({ offset, message }) => ({ ...at(offset), message }))]
    return { file, text, value, problems: all.map(problemIn(file)), ...positions(document, at, text) }
  } catch (error) {
    const isDeep = error instanceof RangeError
    const what = isDeep ? 'The file is nested too deeply.' : `The file cannot be read: ${sentence(messageOf(error))}`
    return unreadable(text, file, [{ line: 1, column: 1, message: what }])
  }
}

/** What follows a tab is read as something else than was meant: the tabs are the mistakes. */
const causesIn = (found: readonly YAMLError[]): readonly YAMLError[] => {
  const tabs = found.filter(({ code }) => code === 'TAB_AS_INDENT')
  return tabs.length > 0 ? tabs : found
}

/** A broken file may be broken everywhere; the first mistakes are those that count. */
const mostTold = 20

/** The first document, and as a mistake what follows it. A text that is nothing but mistakes is not read to its end. */
const read = (text: string): Document => {
  const composer = new Composer({ uniqueKeys: false })
  const tokens = firstMistakes(new Parser().parse(text))
  let first: Document | null = null
  for (const document of composer.compose(tokens, true, text.length)) {
    if (first === null) first = document
    else {
      first.errors.push(new YAMLParseError(positionOf(document), 'MULTIPLE_DOCS', 'A second document.'))
      break
    }
  }
  return first!
}

const positionOf = (document: Document): [number, number] => [document.range?.[0] ?? 0, document.range?.[1] ?? 0]

function* firstMistakes(tokens: Iterable<CST.Token>): Generator<CST.Token> {
  let mistakes = 0
  for (const token of tokens) {
    yield token
    mistakes += token.type === 'error' ? 1 : 0
    if (mistakes >= mostTold) return
  }
}

type Found = Position & { message: string }

const refusedAtSight = (text: string): Found | null => {
  if (text.length > maxSourceLength) {
    return { line: 1, column: 1, message: `The file is longer than ${maxSourceLength} characters, its limit.` }
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  const foreign = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/.exec(text)
  if (foreign) {
    const message =
      foreign[0] === '\ufffd' ? 'This is no UTF-8: save the file in that encoding.' : 'This is a control character.'
    return { ...positionsIn(text)(foreign.index), message }
  }
  return deepAtSight(text)
}

/** The reader of YAML calls itself for each level and would end with its stack, after seconds. No workflow is like that. */
const deepAtSight = (text: string): Found | null => {
  const deep = /^[^\S\n]{400}|(?:[[{][^\S\n]*\n?[^\S\n]*){200}|(?:[-?:][^\S\n]+){200}/m.exec(text)
  return deep ? { ...positionsIn(text)(deep.index), message: 'The file is nested too deeply.' } : null
}

const problemIn =
  (file: string) =>
  ({ line, column, message }: Found): Problem => ({ file, line, column, path: '', message, severity: 'error' })

const unreadable = (text: string, file: string, found: Found[]): YamlSource => {
  const start = (): Position => ({ line: 1, column: 1 })
  return { file, text, value: null, problems: found.map(problemIn(file)), at: start, atKey: start, atText: start }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const sentenceFor = (code: string, message: string): string => {
  if (code === 'TAB_AS_INDENT') return 'Here is a tab; YAML is indented with spaces.'
  if (code === 'MULTIPLE_DOCS') return 'A second document begins here; a file holds one workflow.'
  if (code === 'TAG_RESOLVE_FAILED') return 'Tags (`!!…`) are not understood here: write the value as it is.'
  return sentence(message.slice(0, 300))
}

const sentence = (message: string): string => (/[.!?]$/.test(message) ? message : `${message}.`)

/** Counted here: the reader of YAML loses lines where it recovers from mistakes. */
const positionsIn = (text: string): ((offset: number) => Position) => {
  const starts = [0]
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1)
  return (given) => {
    const offset = Math.min(given, text.length)
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - starts[low]! + 1 }
  }
}

type Positions = Pick<YamlSource, 'at' | 'atKey' | 'atText'>

const positions = (document: Document, positionAt: (offset: number) => Position, text: string): Positions => {
  const rangeAt = (path: Path): [number, number] => {
    for (let length = path.length; length >= 0; length--) {
      const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
      const range = rangeOf(node)
      if (range) return range
    }
    return [0, 0]
  }
  const at = (path: Path): Position => positionAt(rangeAt(path)[0])
  const keys = new Map<unknown, Map<unknown, unknown>>()
  const keysOf = (map: unknown): Map<unknown, unknown> => {
    const items = isMap(map) ? map.items.map(({ key }) => [isScalar(key) ? key.value : null, key] as const) : []
    const found = keys.get(map) ?? new Map(items)
    keys.set(map, found)
    return found
  }
  return {
    at,
    atKey: (path, key) => {
      const map = path.length === 0 ? document.contents : document.getIn(path, true)
      const range = rangeOf(keysOf(map).get(key))
      return range ? positionAt(range[0]) : at(path)
    },
    atText: (path, inside) => {
      const [from, to] = rangeAt(path)
      const found = text.indexOf(inside, from)
      return positionAt(found === -1 || found >= to ? from : found)
    },
  }
}

const rangeOf = (node: unknown): [number, number] | null => {
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null
  return node.range ? [node.range[0], node.range[1]] : null
}

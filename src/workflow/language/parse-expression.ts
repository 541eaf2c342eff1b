import nunjucks from 'nunjucks'
import { codeOf, JourneymanError } from '../../domain/errors.ts'
import { isClosed } from './data.ts'
import type { BinaryOperator, CompareOperator, Expression, Place } from './expression-tree.ts'
import { maxDepth, tooDeep } from './meter.ts'

/** A node of Nunjucks' own tree. Only `typename` is relied on; every other field is checked where it is read. */
export type Node = { typename: string; lineno: number; colno: number; [field: string]: unknown }
type Token = { type: string; value: unknown; lineno: number; colno: number }
type Lexer = { in_code: boolean }
type Parser = { parseExpression: () => Node; nextToken: () => Token | null; parseAsRoot: () => Node }

const engine = nunjucks as unknown as {
  lexer: { lex: (text: string, options?: object) => Lexer }
  parser: { Parser: new (tokens: Lexer) => Parser }
}

export const maxExpressionLength = 10_000

/** Tags that no text can contain, so that `}}` closes two dictionaries and `%}` is a mistake. */
const tags = {
  blockStart: '\u0001',
  blockEnd: '\u0002',
  variableStart: '\u0003',
  variableEnd: '\u0004',
  commentStart: '\u0005',
  commentEnd: '\u0006',
}

/** Throws `invalid_workflow`, with `detail.line` and `detail.column` (1-based, within the text), and `limit_reached`. */
export const parseExpression = (text: string): Expression => {
  if (text.length > maxExpressionLength) throw tooLong(maxExpressionLength)
  if (text.trim() === '') throw mistake('is empty')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are the tags above, and may not come from outside.
  if (/[\u0000-\u0008]/.test(text)) throw mistake('holds a control character')
  return guarded(() => {
    const tokens = engine.lexer.lex(`${text} \u0004`, { tags })
    tokens.in_code = true
    const parser = new engine.parser.Parser(tokens)
    const node = parser.parseExpression()
    const rest = parser.nextToken()
    if (rest === null) throw mistake('has a text that is not closed')
    if (rest.type !== 'variable-end')
      throw mistake(`goes on with ${shown(rest.value)} where it should end`, placeOf(rest))
    return expressionOf(node, 0)
  })
}

/** Nunjucks' tree of a whole template; for prompts. */
export const parseWithNunjucks = (template: string): Node =>
  guarded(() => new engine.parser.Parser(engine.lexer.lex(template)).parseAsRoot())

/** Nunjucks says what is wrong by error classes of its own, and by a TypeError where a text ends too early. */
const guarded = <T>(parse: () => T): T => {
  try {
    return parse()
  } catch (error) {
    if (codeOf(error) !== 'internal') throw error
    if (error instanceof RangeError) throw tooDeep()
    if (error instanceof TypeError) throw mistake('ends too early')
    const { message, lineno, colno } = error as { message: string; lineno?: number; colno?: number }
    const place = lineno && colno ? { line: lineno - 1, column: colno - 1 } : undefined
    throw mistake(`cannot be read: ${readable(message)}`, place)
  }
}

const readable = (message: string): string => message.replace(/^parse\w+: /, '').slice(0, 200)

export const mistake = (what: string, at?: Place): JourneymanError =>
  new JourneymanError('invalid_workflow', `The expression ${what}.`, {
    ...(at && { detail: { line: at.line + 1, column: at.column + 1 } }),
  })

export const placeOf = (node: { lineno?: number; colno?: number }): Place => ({
  line: node.lineno ?? 0,
  column: node.colno ?? 0,
})

/** Nunjucks' node as ours. The depth is bounded here, so that nothing that walks an expression needs to. */
export const expressionOf = (node: Node, depth: number): Expression => {
  if (depth > maxDepth) throw tooDeep()
  const convert = Object.hasOwn(conversions, node.typename) ? conversions[node.typename] : undefined
  if (!convert) throw mistake(`uses what is not part of the language here (${node.typename})`, placeOf(node))
  return convert(node, depth + 1)
}

type Convert = (node: Node, depth: number) => Expression

const literal: Convert = (node) => {
  const { value } = node
  const at = placeOf(node)
  if (value instanceof RegExp) throw mistake('holds a regular expression, which the language does not have', at)
  if (typeof value === 'number' && !Number.isFinite(value)) throw mistake('holds a number that is too large', at)
  return { kind: 'literal', value: value as string | number | boolean | null, at }
}

const symbol: Convert = (node) => ({ kind: 'name', name: nameOf(node), at: placeOf(node) })

export const nameOf = (node: Node): string => {
  const name = String(node.value)
  if (node.typename !== 'Symbol' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw mistake(`has ${shown(node.value)} where a name should stand`, placeOf(node))
  }
  if (isClosed(name)) throw mistake(`names \`${name}\`, which is out of reach`, placeOf(node))
  return name
}

const group: Convert = (node, depth) => {
  const children = node.children as Node[]
  if (children.length !== 1) throw mistake('has parentheses that do not hold one value', placeOf(node))
  return expressionOf(children[0]!, depth)
}

const list: Convert = (node, depth) => ({
  kind: 'list',
  items: (node.children as Node[]).map((child) => expressionOf(child, depth)),
  at: placeOf(node),
})

const dict: Convert = (node, depth) => ({
  kind: 'dict',
  entries: (node.children as Node[]).map((pair) => [keyOf(pair.key as Node), expressionOf(pair.value as Node, depth)]),
  at: placeOf(node),
})

const keyOf = (key: Node): string => {
  const isName = key.typename === 'Symbol' || (key.typename === 'Literal' && typeof key.value === 'string')
  if (!isName) throw mistake('has a key that is neither a name nor a text', placeOf(key))
  if (isClosed(String(key.value))) throw mistake(`has the key \`${key.value}\`, which is out of reach`, placeOf(key))
  return String(key.value)
}

const member: Convert = (node, depth) => {
  if (!node.val) throw mistake('has an index that is empty', placeOf(node))
  const key = expressionOf(node.val as Node, depth)
  if (key.kind === 'literal' && isClosed(String(key.value))) {
    throw mistake(`reaches for \`${key.value}\`, which is out of reach`, key.at)
  }
  return { kind: 'member', target: expressionOf(node.target as Node, depth), key, at: placeOf(node) }
}

const argumentsOf = (nodes: Node[], depth: number): { args: Expression[]; named: [string, Expression][] } => {
  const last = nodes.at(-1)
  const keywords = last?.typename === 'KeywordArgs' ? (last.children as Node[]) : []
  const positional = keywords.length > 0 ? nodes.slice(0, -1) : nodes
  return {
    args: positional.map((arg) => expressionOf(arg, depth)),
    named: keywords.map((pair) => [nameOf(pair.key as Node), expressionOf(pair.value as Node, depth)]),
  }
}

const filter: Convert = (node, depth) => {
  const [input, ...rest] = (node.args as Node).children as Node[]
  const name = String((node.name as Node).value)
  return {
    kind: 'filter',
    name,
    input: expressionOf(input!, depth),
    ...argumentsOf(rest, depth),
    at: placeOf(node.name as Node),
  }
}

const is: Convert = (node, depth) => {
  const right = node.right as Node
  const isCall = right.typename === 'FunCall'
  const named = isCall ? (right.name as Node) : right
  const isName = named.typename === 'Symbol' || (named.typename === 'Literal' && named.value === null)
  if (!isName) throw mistake('has something behind `is` that is not the name of a test', placeOf(right))
  const nodes = isCall ? ((right.args as Node).children as Node[]) : []
  const { args } = argumentsOf(nodes, depth)
  const test = named.value === null ? 'none' : String(named.value)
  return { kind: 'is', test, input: expressionOf(node.left as Node, depth), args, at: placeOf(right) }
}

const call: Convert = (node, depth) => {
  const called = node.name as Node
  if (called.typename !== 'Symbol') throw mistake('calls a value; only filters and `range` can be used', placeOf(node))
  const { args, named } = argumentsOf((node.args as Node).children as Node[], depth)
  if (named.length > 0) throw mistake('gives a function an argument by name', placeOf(node))
  return { kind: 'call', name: nameOf(called), args, at: placeOf(called) }
}

const binary =
  (operator: BinaryOperator): Convert =>
  (node, depth) => ({
    kind: 'binary',
    operator,
    left: expressionOf(node.left as Node, depth),
    right: expressionOf(node.right as Node, depth),
    at: placeOf(node),
  })

/**
 * Nunjucks' parser gives `2 * 7 % 4` as `2 * (7 % 4)`, but what it compiles that to is read from left to right, as people
 * do. Parentheses are nodes of their own in its tree, so the chain can be told from them and folded the same way.
 */
const product: Convert = (node, depth) => {
  const [first, ...rest] = chainOf(node, null)
  const start = expressionOf(first!.node, depth)
  if (rest.length > maxDepth) throw tooDeep()
  return rest.reduce<Expression>(
    (left, { operator, node: operand }) => ({
      kind: 'binary',
      operator: operator!,
      left,
      right: expressionOf(operand, depth),
      at: placeOf(node),
    }),
    start,
  )
}

type Link = { operator: BinaryOperator | null; node: Node }

const chainOf = (node: Node, operator: BinaryOperator | null): Link[] => {
  const own = Object.hasOwn(productOperators, node.typename) ? productOperators[node.typename] : undefined
  if (!own) return [{ operator, node }]
  return [...chainOf(node.left as Node, operator), ...chainOf(node.right as Node, own)]
}

const productOperators: Record<string, BinaryOperator> = { Mul: '*', Div: '/', Mod: '%' }

const logic =
  (kind: 'and' | 'or'): Convert =>
  (node, depth) => ({
    kind,
    left: expressionOf(node.left as Node, depth),
    right: expressionOf(node.right as Node, depth),
    at: placeOf(node),
  })

const unary =
  (kind: 'not' | 'negate' | 'plus'): Convert =>
  (node, depth) => ({ kind, operand: expressionOf(node.target as Node, depth), at: placeOf(node) })

const compare: Convert = (node, depth) => ({
  kind: 'compare',
  first: expressionOf(node.expr as Node, depth),
  rest: (node.ops as Node[]).map((op) => ({
    operator: op.type as CompareOperator,
    operand: expressionOf(op.expr as Node, depth),
  })),
  at: placeOf(node),
})

const choice: Convert = (node, depth) => ({
  kind: 'choice',
  condition: expressionOf(node.cond as Node, depth),
  whenTrue: expressionOf(node.body as Node, depth),
  whenFalse: node.else_ ? expressionOf(node.else_ as Node, depth) : null,
  at: placeOf(node),
})

const conversions: Record<string, Convert> = {
  Literal: literal,
  Symbol: symbol,
  Group: group,
  Array: list,
  Dict: dict,
  LookupVal: member,
  Filter: filter,
  Is: is,
  FunCall: call,
  Not: unary('not'),
  Neg: unary('negate'),
  Pos: unary('plus'),
  And: logic('and'),
  Or: logic('or'),
  In: binary('in'),
  Add: binary('+'),
  Sub: binary('-'),
  Mul: product,
  Div: product,
  FloorDiv: binary('//'),
  Mod: product,
  Pow: binary('**'),
  Concat: binary('~'),
  Compare: compare,
  InlineIf: choice,
}

const shown = (value: unknown): string => `\`${String(value).slice(0, 40)}\``

const tooLong = (limit: number): JourneymanError =>
  new JourneymanError('limit_reached', `The expression is longer than ${limit} characters, which is its limit.`)

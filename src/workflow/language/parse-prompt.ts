import { JourneymanError } from '../../domain/errors.ts'
import type { Expression, Statement } from './expression-tree.ts'
import { maxDepth, tooDeep } from './meter.ts'
import { expressionOf, mistake, type Node, nameOf, parseWithNunjucks, placeOf } from './parse-expression.ts'

export const maxPromptLength = 200_000

/**
 * A prompt as statements of ours: text, output, if, for, set and filter blocks. Nothing that reaches another file
 * (include, import, extends) and nothing that calls (macros) has a place here.
 */
export const parsePrompt = (template: string): Statement[] => {
  if (template.length > maxPromptLength) {
    throw new JourneymanError('limit_reached', `The prompt is longer than ${maxPromptLength} characters, its limit.`)
  }
  return statementsOf(parseWithNunjucks(template.replace(/\r\n/g, '\n')), 0)
}

const statementsOf = (node: unknown, depth: number): Statement[] => {
  if (depth > maxDepth) throw tooDeep()
  if (!node) return []
  const { typename, children } = node as Node
  const nodes = typename === 'NodeList' || typename === 'Root' ? (children as Node[]) : [node as Node]
  return nodes.flatMap((child) => statementOf(child, depth + 1))
}

const statementOf = (node: Node, depth: number): Statement[] => {
  switch (node.typename) {
    case 'Output':
      return (node.children as Node[]).map((child) => outputOf(child, depth))
    case 'If':
      return [
        {
          kind: 'if',
          condition: readValue(node.cond as Node, depth),
          whenTrue: statementsOf(node.body, depth),
          whenFalse: statementsOf(node.else_, depth),
        },
      ]
    case 'For':
      return [
        {
          kind: 'for',
          names: loopNames(node.name as Node),
          over: readValue(node.arr as Node, depth),
          body: statementsOf(node.body, depth),
          whenEmpty: statementsOf(node.else_, depth),
        },
      ]
    case 'Set':
      return [{ kind: 'set', names: (node.targets as Node[]).map(nameOf), value: setValue(node, depth) }]
    default:
      throw mistake(`uses \`${node.typename}\`, which prompts do not have`, placeOf(node))
  }
}

const outputOf = (node: Node, depth: number): Statement =>
  node.typename === 'TemplateData'
    ? { kind: 'text', text: String(node.value) }
    : { kind: 'output', value: readValue(node, depth) }

const loopNames = (node: Node): string[] =>
  node.typename === 'Array' ? (node.children as Node[]).map(nameOf) : [nameOf(node)]

const setValue = (node: Node, depth: number): Expression => readValue((node.value ?? node.body) as Node, depth)

/** An expression, or the body of a `{% filter %}` or `{% set %}` block. */
const readValue = (node: Node, depth: number): Expression => {
  if (node.typename === 'Capture') {
    return { kind: 'capture', body: statementsOf(node.body, depth), at: placeOf(node) }
  }
  const first = ((node.args as Node | undefined)?.children as Node[] | undefined)?.[0]
  if (node.typename === 'Filter' && first?.typename === 'Capture') {
    const filter = expressionOf(withInput(node, emptyText(first)), depth)
    return { ...(filter as Expression & { kind: 'filter' }), input: readValue(first, depth) }
  }
  return expressionOf(node, depth)
}

const emptyText = (node: Node): Node => ({ typename: 'Literal', value: '', lineno: node.lineno, colno: node.colno })

const withInput = (filter: Node, input: Node): Node => {
  const args = filter.args as Node
  return {
    typename: 'Filter',
    lineno: filter.lineno,
    colno: filter.colno,
    name: filter.name,
    args: {
      typename: 'NodeList',
      lineno: args.lineno,
      colno: args.colno,
      children: [input, ...(args.children as Node[]).slice(1)],
    },
  }
}

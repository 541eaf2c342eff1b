/**
 * An expression as we evaluate it: a closed set of node kinds, made from Nunjucks' own tree by `parse-expression.ts`.
 * What has no kind here cannot be said in a workflow.
 */
export type Place = { line: number; column: number }

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**' | '~' | 'in'
export type CompareOperator = '==' | '===' | '!=' | '!==' | '<' | '>' | '<=' | '>='

export type Expression =
  | { kind: 'literal'; value: null | boolean | number | string; at: Place }
  | { kind: 'name'; name: string; at: Place }
  | { kind: 'member'; target: Expression; key: Expression; at: Place }
  | { kind: 'list'; items: Expression[]; at: Place }
  | { kind: 'dict'; entries: [string, Expression][]; at: Place }
  | { kind: 'filter'; name: string; input: Expression; args: Expression[]; named: [string, Expression][]; at: Place }
  | { kind: 'is'; test: string; input: Expression; args: Expression[]; at: Place }
  | { kind: 'call'; name: string; args: Expression[]; at: Place }
  | { kind: 'not' | 'negate' | 'plus'; operand: Expression; at: Place }
  | { kind: 'and' | 'or'; left: Expression; right: Expression; at: Place }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression; at: Place }
  | { kind: 'compare'; first: Expression; rest: { operator: CompareOperator; operand: Expression }[]; at: Place }
  | { kind: 'choice'; condition: Expression; whenTrue: Expression; whenFalse: Expression | null; at: Place }
  | { kind: 'capture'; body: Statement[]; at: Place }

/** What a prompt adds to expressions. */
export type Statement =
  | { kind: 'text'; text: string }
  | { kind: 'output'; value: Expression }
  | { kind: 'if'; condition: Expression; whenTrue: Statement[]; whenFalse: Statement[] }
  | { kind: 'for'; names: string[]; over: Expression; body: Statement[]; whenEmpty: Statement[] }
  | { kind: 'set'; names: string[]; value: Expression }

/** The parts of an expression that are expressions. */
export const partsOf = (node: Expression): Expression[] => {
  switch (node.kind) {
    case 'literal':
    case 'name':
    case 'capture':
      return []
    case 'member':
      return [node.target, node.key]
    case 'list':
      return node.items
    case 'dict':
      return node.entries.map(([, value]) => value)
    case 'filter':
      return [node.input, ...node.args, ...node.named.map(([, value]) => value)]
    case 'is':
      return [node.input, ...node.args]
    case 'call':
      return node.args
    case 'not':
    case 'negate':
    case 'plus':
      return [node.operand]
    case 'and':
    case 'or':
    case 'binary':
      return [node.left, node.right]
    case 'compare':
      return [node.first, ...node.rest.map(({ operand }) => operand)]
    case 'choice':
      return [node.condition, node.whenTrue, ...(node.whenFalse ? [node.whenFalse] : [])]
  }
}

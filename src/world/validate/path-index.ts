/** One way through a description's paths: the template, and what its parameters were. */
export type PathMatch = { template: string; parameters: Record<string, string> }

type Node = {
  literals: Map<string, Node>
  parameter: { name: string; node: Node } | null
  /** Templates that end here, and whether their last parameter takes the rest of the path, slashes too. */
  template: string | null
  rest: string | null
}

/** Finds the template of a path. A literal segment wins over a parameter, as in every router. */
export const pathIndex = (templates: Iterable<string>, takesRest: (template: string) => boolean) => {
  const root = newNode()
  for (const template of templates) insert(root, template, takesRest(template))
  return (path: string): PathMatch | null => find(root, path.split('/').slice(1), {})
}

const newNode = (): Node => ({ literals: new Map(), parameter: null, template: null, rest: null })

const insert = (root: Node, template: string, takesRest: boolean): void => {
  let node = root
  for (const segment of template.split('/').slice(1)) {
    const name = parameterName(segment)
    if (name === null) {
      const next = node.literals.get(segment) ?? newNode()
      node.literals.set(segment, next)
      node = next
    } else {
      node.parameter ??= { name, node: newNode() }
      node = node.parameter.node
    }
  }
  node.template = template
  if (takesRest) node.rest = template
}

const parameterName = (segment: string): string | null => /^\{([^{}]+)\}$/.exec(segment)?.[1] ?? null

const find = (node: Node, segments: string[], parameters: Record<string, string>): PathMatch | null => {
  const [segment, ...following] = segments
  if (segment === undefined) return node.template === null ? null : named(node.template, parameters)
  const literal = node.literals.get(segment)
  const byLiteral = literal && find(literal, following, parameters)
  if (byLiteral) return byLiteral
  if (node.parameter === null || segment === '') return null
  const position = String(Object.keys(parameters).length)
  const next = node.parameter.node
  const exact = find(next, following, { ...parameters, [position]: decode(segment) })
  if (exact !== null || next.rest === null) return exact
  return named(next.rest, { ...parameters, [position]: segments.map(decode).join('/') })
}

/** Parameters are kept by position, because two templates may name the same segment differently. */
const named = (template: string, byPosition: Record<string, string>): PathMatch => {
  const names = template
    .split('/')
    .map(parameterName)
    .filter((name) => name !== null)
  return {
    template,
    parameters: Object.fromEntries(names.map((name, position) => [name, byPosition[String(position)] ?? ''])),
  }
}

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

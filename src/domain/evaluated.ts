/**
 * Variables of a definition that were worked out, as a step's row keeps them: by their names where that was outside of every
 * branch, else as `@<depth>/<name>`, with the depth of the innermost scope that they are made of. Flat, since what a later
 * write of the row brings is added key by key.
 */
export type Evaluated = Record<string, unknown>

const inBranch = /^@(\d+)\/(.+)$/s

export const evaluatedKey = (name: string, depth: number): string => `@${depth}/${name}`

export const readEvaluatedKey = (key: string): { name: string; depth: number | null } => {
  const [, depth, name] = inBranch.exec(key) ?? []
  return depth === undefined || name === undefined ? { name: key, depth: null } : { name, depth: Number(depth) }
}

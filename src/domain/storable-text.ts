/**
 * What a database can keep and a JSON body can carry: no NUL, which PostgreSQL refuses in text and JSON alike, and no half
 * of a surrogate pair, which it refuses in JSON.
 */
export const storableText = (text: string): string => text.toWellFormed().replaceAll('\0', '\u2400')

const maxDepth = 50

/** The same for every text inside a value that came from a model. */
export const storable = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'string') return storableText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) return '[nested too deeply]'
  if (Array.isArray(value)) return value.map((item) => storable(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item, depth + 1)]))
}

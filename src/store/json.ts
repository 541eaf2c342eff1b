/**
 * JSON as both databases take it. PostgreSQL refuses two things that JSON allows, a NUL and one half of a surrogate pair;
 * the output of any command may hold the one, any text that was cut the other. Both become the replacement character.
 */
export const toJson = (value: unknown): string => {
  const json = JSON.stringify(value ?? null)
  if (!unstorable.test(json)) return json
  // Escape by escape, so that a backslash which is itself escaped is not taken for the beginning of one.
  return json.replace(/\\(?:u[0-9a-f]{4}|.)/gi, (found) => (unstorable.test(found) ? '\\ufffd' : found))
}

/** A value as it will be read back from a row. */
export const asStored = (value: unknown): unknown => fromJson(toJson(value))

/**
 * The keys of objects come in the order in which `jsonb` has them, shorter ones first: a text that is made of an object is
 * the same, whether the object was just given, or read from a column of either type.
 */
export const fromJson = (json: string): unknown => inOrder(JSON.parse(json))

const inOrder = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inOrder)
  const keys = Object.keys(value).map((name) => ({ name, bytes: Buffer.from(name) }))
  keys.sort((a, b) => a.bytes.length - b.bytes.length || Buffer.compare(a.bytes, b.bytes))
  return Object.fromEntries(keys.map(({ name }) => [name, inOrder((value as Record<string, unknown>)[name])]))
}

/** Whole pairs are written as they are; only a lone half is escaped. */
const unstorable = /\\u(?:0000|d[89a-f][0-9a-f]{2})/i

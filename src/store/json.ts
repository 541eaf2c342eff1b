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
export const asStored = (value: unknown): unknown => JSON.parse(toJson(value))

/** Whole pairs are written as they are; only a lone half is escaped. */
const unstorable = /\\u(?:0000|d[89a-f][0-9a-f]{2})/i

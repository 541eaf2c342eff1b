/** One thing that is not as it was expected to be. */
export type Difference = { key: string; expected: unknown; actual: unknown }

/**
 * What of an expectation does not hold. A text holds with `*` for anything; an object names what must be in it and not all
 * that is; a list is a list of as many.
 */
export const differencesOf = (key: string, expected: unknown, actual: unknown): Difference[] => {
  if (typeof expected === 'string' && typeof actual === 'string') {
    return isLike(expected, actual) ? [] : [{ key, expected, actual }]
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return [{ key, expected, actual }]
    return expected.flatMap((item, index) => differencesOf(`${key}[${index}]`, item, actual[index]))
  }
  if (isObject(expected)) {
    if (!isObject(actual)) return [{ key, expected, actual }]
    return Object.entries(expected).flatMap(([name, value]) => differencesOf(`${key}.${name}`, value, actual[name]))
  }
  return expected === (actual ?? null) ? [] : [{ key, expected, actual }]
}

/** `hotfix/1-*` is like `hotfix/1-bread`; `\*` is a star. */
export const isLike = (pattern: string, text: string): boolean => {
  const parts = pattern.split(/(?<!\\)\*/).map((part) => part.replaceAll('\\*', '*'))
  if (parts.length === 1) return parts[0] === text
  const first = parts[0] ?? ''
  const last = parts.at(-1) ?? ''
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  let from = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, from)
    if (found === -1) return false
    from = found + part.length
  }
  return from <= text.length - last.length
}

/** In a long text the words only have to occur. */
export const occursIn = (words: string, text: string): boolean => isLike(`*${words.trim()}*`, text)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

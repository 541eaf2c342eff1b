/** A value may be nested as deep as it likes; a person reads so far. */
const maxDepth = 12

/**
 * A value as text that a person can read from top to bottom: keys and items on lines of their own, texts as they stand. What
 * cannot be seen, or would turn the text around, is named, so that nobody says yes to what they do not see.
 */
export const outline = (value: unknown): string => visible(lines(value, 0).join('\n'))

const lines = (value: unknown, depth: number): string[] => {
  if (typeof value === 'string') return value.split('\n')
  if (value === null || typeof value !== 'object' || depth >= maxDepth) return [JSON.stringify(value) ?? 'nothing']
  if (Array.isArray(value)) {
    return value.length === 0 ? ['(none)'] : value.flatMap((item) => marked('- ', lines(item, depth + 1)))
  }
  const entries = Object.entries(value)
  return entries.length === 0 ? ['(none)'] : entries.flatMap(([key, item]) => entry(key, item, depth))
}

const entry = (key: string, value: unknown, depth: number): string[] => {
  const inner = lines(value, depth + 1)
  const isLeaf = value === null || typeof value !== 'object' || inner[0] === '(none)'
  if (isLeaf && inner.length === 1) return [`${key}: ${inner[0]}`]
  return [`${key}:`, ...inner.map((line) => `  ${line}`)]
}

const marked = (mark: string, [first = '', ...rest]: string[]): string[] => [
  `${mark}${first}`,
  ...rest.map((line) => `${' '.repeat(mark.length)}${line}`),
]

/** Controls, format characters (the ones that reverse a line among them), private and unassigned ones; half characters. */
const unseen =
  /(?![\n\t])(?:[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]|[\u115f\u1160\u3164\uffa0]|[\u{e0100}-\u{e01ef}])/gu

const visible = (text: string): string =>
  text.replace(
    unseen,
    (character) => `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`,
  )

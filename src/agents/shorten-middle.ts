/**
 * Text within a bound of characters: its beginning and its end, with a sentence between them that says how much is
 * missing and, by `advice`, how to see it. Cut at line ends where they are near.
 */
export const shortenMiddle = (text: string, maxCharacters: number, advice: string): string => {
  if (text.length <= maxCharacters) return text
  const half = Math.floor(maxCharacters / 2)
  const head = cutAtLineEnd(text.slice(0, half))
  const tail = cutAtLineStart(text.slice(text.length - half))
  const missing = text.slice(head.length, text.length - tail.length)
  const lines = missing.split('\n').length - 1
  return `${head}\n[${missing.length} characters, ${lines} lines, are left out here. ${advice}]\n${tail}`
}

const nearness = 2000

const cutAtLineEnd = (text: string): string => {
  const end = text.lastIndexOf('\n')
  return end > 0 && text.length - end < nearness ? text.slice(0, end) : text
}

const cutAtLineStart = (text: string): string => {
  const start = text.indexOf('\n')
  return start >= 0 && start < nearness ? text.slice(start + 1) : text
}

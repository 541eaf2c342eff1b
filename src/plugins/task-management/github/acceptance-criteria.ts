const maxCriteria = 50
const maxCharacters = 1000

// Applied to trimmed lines of bounded length, and without two parts that could share the same characters: the text is
// anybody's, and must not be able to keep the process busy.
const heading = /^(#{1,6})\s+(\S.*)$/
const boldHeading = /^(?:\*\*|__)([^*_]+)(?:\*\*|__):?$/
const item = /^(?:[-*+]|\d{1,3}[.)])\s+(?:\[([ xX])\]\s+)?(\S.*)$/
const fence = /^(?:```|~~~)/

/**
 * The acceptance criteria of an issue's text: the list below a heading of that name, or else every task list item. What
 * stands in a code block is an example.
 */
export const acceptanceCriteria = (body: string): string[] => {
  const lines = outsideCode(body.split('\n').map((line) => line.slice(0, maxCharacters).trim()))
  const section = sectionOf(lines)
  const found = section.length > 0 ? itemsOf(section, false) : itemsOf(lines, true)
  return found.slice(0, maxCriteria)
}

const outsideCode = (lines: string[]): string[] => {
  let inCode = false
  return lines.filter((line) => {
    const isFence = fence.test(line)
    if (isFence) inCode = !inCode
    return !isFence && !inCode
  })
}

const isTitle = (text: string): boolean => /^acceptance criteria\s*:?$/i.test(text.replace(/[*_#]/g, '').trim())

/** From the heading to the next one of the same rank or above; a bold line counts as a heading of the lowest rank. */
const sectionOf = (lines: string[]): string[] => {
  const start = lines.findIndex((line) => isTitle(heading.exec(line)?.[2] ?? boldHeading.exec(line)?.[1] ?? ''))
  if (start === -1) return []
  const rank = heading.exec(lines[start] as string)?.[1]?.length ?? 7
  const rest = lines.slice(start + 1)
  const end = rest.findIndex((line) => {
    const other = heading.exec(line)?.[1]?.length ?? (rank === 7 && boldHeading.test(line) ? 7 : 8)
    return other <= rank
  })
  return end === -1 ? rest : rest.slice(0, end)
}

const itemsOf = (lines: string[], onlyTasks: boolean): string[] =>
  lines.flatMap((line) => {
    const [, box, text] = item.exec(line) ?? []
    return text === undefined || (onlyTasks && box === undefined) ? [] : [text]
  })

/** What an edit made of a text, with the lines around the change; or why it was not made, in the vendor's words. */
type Edit = { text: string; snippet: string } | { refused: string }

const linesAround = 4
const maxSnippetLines = 60

/** Replaces the one occurrence of `old`. A file with CRLF is met half way, since models write LF. */
export const replaceOnce = (text: string, old: string, replacement: string, where: string): Edit => {
  if (old === '')
    return { refused: 'No replacement was performed: `old_str` must not be empty. Use `insert` or `create`.' }
  if (old === replacement) return { refused: 'No replacement was performed: `old_str` and `new_str` are the same.' }
  const found = text.split(old).length - 1
  if (found === 0 && text.includes('\r\n') && !old.includes('\r') && old.includes('\n')) {
    return replaceOnce(text, toCrlf(old), toCrlf(replacement), where)
  }
  if (found === 0) {
    return {
      refused: `No replacement was performed, old_str \`${short(old)}\` did not appear verbatim in ${where}. View the file, then give the text exactly, with its indentation.`,
    }
  }
  if (found > 1) {
    return {
      refused: `No replacement was performed. Multiple occurrences of old_str \`${short(old)}\` in lines: ${linesOf(text, old).join(', ')}. Please ensure it is unique, by giving more of the lines around it.`,
    }
  }
  const at = text.indexOf(old)
  const edited = text.slice(0, at) + replacement + text.slice(at + old.length)
  return { text: edited, snippet: snippet(edited, lineAt(text, at), replacement.split('\n').length) }
}

/** Inserts after a line; 0 is before the first. */
export const insertText = (text: string, afterLine: number, added: string): Edit => {
  const lines = text.split('\n')
  const count = text === '' ? 0 : text.endsWith('\n') ? lines.length - 1 : lines.length
  if (afterLine < 0 || afterLine > count) {
    return {
      refused: `Invalid \`insert_line\` parameter: ${afterLine}. It should be within the range of lines of the file: [0, ${count}].`,
    }
  }
  const whole = added.endsWith('\n') || text === '' ? added : `${added}\n`
  const at = lines.slice(0, afterLine).reduce((sum, line) => sum + line.length + 1, 0)
  const lacksNewline = afterLine === count && count > 0 && !text.endsWith('\n')
  const edited = lacksNewline ? `${text}\n${added}` : text.slice(0, at) + whole + text.slice(at)
  return { text: edited, snippet: snippet(edited, afterLine + 1, added.split('\n').length) }
}

/** Lines as `cat -n` shows them. */
export const numberLines = (lines: string[], first: number): string =>
  lines.map((line, index) => `${String(first + index).padStart(6)}\t${line}`).join('\n')

const snippet = (text: string, firstLine: number, lineCount: number): string => {
  const lines = text.split('\n')
  const from = Math.max(1, firstLine - linesAround)
  const to = Math.min(lines.length, firstLine + lineCount - 1 + linesAround, from + maxSnippetLines)
  return numberLines(lines.slice(from - 1, to), from)
}

const toCrlf = (text: string): string => text.replaceAll('\n', '\r\n')

const short = (text: string): string => (text.length <= 300 ? text : `${text.slice(0, 300)}…`)

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length

const linesOf = (text: string, part: string): number[] => {
  const lines: number[] = []
  for (let at = text.indexOf(part); at !== -1 && lines.length < 20; at = text.indexOf(part, at + part.length)) {
    lines.push(lineAt(text, at))
  }
  return lines
}

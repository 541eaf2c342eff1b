/** A text with expressions in it, taken apart. Offsets are those of the text, so that a message can point at a column. */
export type TemplatePart =
  | { kind: 'text'; text: string; offset: number }
  | { kind: 'expression'; expression: string; offset: number }
  | { kind: 'open'; offset: number }

/**
 * `${` opens an expression and the `}` that matches it closes it; braces and quotes inside are understood. `$${` is the
 * text `${`. An expression that is not closed is given as `open`: the checker and the evaluation refuse it.
 */
export const parseTemplate = (text: string): TemplatePart[] => {
  const parts: TemplatePart[] = []
  let from = 0
  for (let open = text.indexOf('${'); open !== -1; open = text.indexOf('${', from)) {
    if (text[open - 1] === '$' && open > from) {
      addText(parts, `${text.slice(from, open - 1)}\${`, from)
      from = open + 2
      continue
    }
    addText(parts, text.slice(from, open), from)
    const close = closingBrace(text, open + 2)
    if (close === -1) return [...parts, { kind: 'open', offset: open }]
    parts.push({ kind: 'expression', expression: text.slice(open + 2, close), offset: open + 2 })
    from = close + 1
  }
  addText(parts, text.slice(from), from)
  return parts
}

/** The one expression that the text is nothing but, or null. White space around it does not count. */
export const onlyExpression = (parts: TemplatePart[]): (TemplatePart & { kind: 'expression' }) | null => {
  const telling = parts.filter((part) => part.kind !== 'text' || part.text.trim() !== '')
  return telling.length === 1 && telling[0]!.kind === 'expression' ? telling[0]! : null
}

const addText = (parts: TemplatePart[], text: string, offset: number): void => {
  const last = parts.at(-1)
  if (text === '') return
  if (last?.kind === 'text') last.text += text
  else parts.push({ kind: 'text', text, offset })
}

const closingBrace = (text: string, from: number): number => {
  let depth = 0
  let quote: string | null = null
  for (let at = from; at < text.length; at++) {
    const character = text[at]!
    if (quote !== null) {
      if (character === '\\') at += 1
      else if (character === quote) quote = null
    } else if (character === '"' || character === "'") quote = character
    else if (character === '{') depth += 1
    else if (character === '}') {
      if (depth === 0) return at
      depth -= 1
    }
  }
  return -1
}

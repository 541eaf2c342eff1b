/**
 * Markdown can hold text that its reader on the page never sees: comments (a browser closes one that its author did not),
 * elements without a face, attributes, link titles, definitions of links that nothing refers to. All of it is taken out,
 * and a mark left where something of weight was. Fenced code is shown on the page as it is, and stays as it is.
 */
export const removeHiddenMarkup = (text: string): string => {
  const nextHidden = finder(hiddenStart, text)
  const nextFence = /<\s*(pre|textarea|xmp|plaintext|listing)\b/i.test(text) ? () => null : finder(fenceStart, text)
  const labels = countLabels(text)
  let at = 0
  let seen = ''
  while (at < text.length) {
    const fence = nextFence(at)
    const hidden = nextHidden(at)
    const next = fence && (!hidden || fence.index < hidden.index) ? fence : hidden
    seen += visible(text.slice(at, next?.index), labels)
    if (!next) return seen
    at = next === fence ? endOfFence(text, next) : endOfHidden(text, next)
    seen += next === fence ? text.slice(next.index, at) : `[${at - next.index} hidden characters were removed here]`
  }
  return seen
}

/** The first match at or after a place. What was found and not yet passed is kept, so that a text is read once. */
const finder = (pattern: RegExp, text: string): ((from: number) => RegExpExecArray | null) => {
  const search = new RegExp(pattern, `${pattern.flags}g`)
  let found = search.exec(text)
  return (from) => {
    if (found && found.index < from) {
      search.lastIndex = from
      found = search.exec(text)
    }
    return found
  }
}

/** A fence is believed only at the beginning of a text or after an empty line, where no HTML block can still be open. */
const fenceStart = /(?:^|\n\n)(`{3,}|~{3,})[^\n`]*\n/

/** Comments, processing instructions, declarations, CDATA, and elements whose content is not shown. */
const hiddenStart =
  /<(?:(!--)|(\?)|(!\[CDATA\[)|(![a-z])|(script|style|template|head|title|noscript|noembed|noframes|object|svg|math|iframe|select|datalist)(?=[\s/>])|([a-z][a-z0-9-]{0,20})(?=\s[^<>]{0,300}?(?:\bhidden\b|display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0|font-size\s*:\s*0|(?:width|height)\s*=\s*["']?[01]\b))(?!\b(?:img|source)))/i

/** Up to where the page hides; what is never closed is hidden up to the end. */
const endOfHidden = (text: string, start: RegExpExecArray): number => {
  const [whole, comment, instruction, cdata, declaration, element, concealed] = start
  const from = start.index + whole.length
  if (comment !== undefined) {
    const short = /^-?>/.exec(text.slice(from, from + 2))
    return short ? from + short[0].length : after(text, from, /--!?>/)
  }
  if (instruction !== undefined) return after(text, from, /\?>/)
  if (cdata !== undefined) return after(text, from, /\]\]>/)
  if (declaration !== undefined) return after(text, from, />/)
  return after(text, from, new RegExp(`</${element ?? concealed}\\s{0,10}>`, 'i'))
}

const after = (text: string, from: number, end: RegExp): number => {
  const found = end.exec(text.slice(from))
  return found ? from + found.index + found[0].length : text.length
}

const endOfFence = (text: string, fence: RegExpExecArray): number => {
  const mark = fence[1] as string
  const from = fence.index + fence[0].length
  const close = new RegExp(`(?:^|\\n) {0,3}${mark[0]}{${mark.length},}[ \\t]*(?=\\n|$)`).exec(text.slice(from))
  return close ? from + close.index + close[0].length : text.length
}

/** What is left of plain Markdown when its invisible parts are gone. */
const visible = (part: string, labels: Map<string, number>): string =>
  part
    .replace(
      tag,
      (_, slash: string, name: string, attributes: string) => `<${slash}${name}${shownAttributes(attributes)}>`,
    )
    .replace(/!\[[^\]]{0,2000}\](?=[([])/g, '![image]')
    .replace(
      /(\]\(\s{0,5}[^\s()]{1,2000})\s{1,5}(?:"[^"\n]{0,2000}"|'[^'\n]{0,2000}'|\([^()\n]{0,2000}\))\s{0,5}\)/g,
      '$1)',
    )
    .replace(definition, (line: string, label: string, address: string) =>
      shownDefinition(line, label, address, labels),
    )

const tag = /<(\/?)([a-z][a-z0-9-]{0,20})((?:\s(?:"[^"]{0,1000}"|'[^']{0,1000}'|[^'"<>]){0,300})?)>/gi

/** The addresses of links and images can be seen on the page; nothing else of a tag can. */
const shownAttributes = (attributes: string): string => {
  const found = attributes.match(/\b(?:href|src)\s{0,3}=\s{0,3}(?:"[^"]{0,500}"|'[^']{0,500}'|[^\s"'<>]{1,500})/gi)
  return found ? ` ${found.join(' ')}` : ''
}

const definition = /^ {0,3}\[([^\]\n]{1,999})\]:[ \t]{0,5}\n?[ \t]{0,5}(\S{1,2000})[^\n]{0,2000}$/gm

const shownDefinition = (line: string, label: string, address: string, labels: Map<string, number>): string => {
  if (label.startsWith('^')) return line
  return (labels.get(label.toLowerCase()) ?? 0) > 1 ? `[${label}]: ${address}` : ''
}

/** How often each `[label]` stands in a text; one that stands once is a definition that nothing refers to. */
const countLabels = (text: string): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const [, label] of text.matchAll(/\[([^[\]\n]{1,999})\]/g)) {
    const key = (label as string).toLowerCase()
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

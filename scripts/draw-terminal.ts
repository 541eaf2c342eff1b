/**
 * Draws what a terminal showed as a picture for the README: `FORCE_COLOR=1 npm run -s demo | node scripts/draw-terminal.ts > docs/demo.svg`.
 * Knows the few colours that the demo uses. Long output is shortened in the middle.
 */
const colours: Record<string, string> = {
  '32': '#3fb950',
  '31': '#f85149',
  '36': '#39c5cf',
  '33': '#d29922',
  '2': '#8b949e',
  '1': '#ffffff',
}
const lineHeight = 18
const charWidth = 7.8
const mostLines = 62
const mostColumns = 118
const colourCode = new RegExp(`(${String.fromCharCode(27)}\\[\\d+m)`)

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** One line with its colour codes as spans of text. */
const drawLine = (line: string, row: number): string => {
  let style = ''
  const spans = line.split(colourCode).map((part) => {
    const code = colourCode.test(part) ? part.slice(2, -1) : undefined
    if (code !== undefined) {
      const colour = colours[code]
      style = colour === undefined ? '' : ` fill="${colour}"${code === '1' ? ' font-weight="bold"' : ''}`
      return ''
    }
    return part === '' ? '' : `<tspan${style}>${escapeXml(part)}</tspan>`
  })
  return `<text x="16" y="${28 + row * lineHeight}" xml:space="preserve">${spans.join('')}</text>`
}

const shorten = (lines: string[]): string[] => {
  if (lines.length <= mostLines) return lines
  const head = Math.floor(mostLines * 0.72)
  return [...lines.slice(0, head), '\u001b[2m  …\u001b[22m', ...lines.slice(-(mostLines - head - 1))]
}

const cut = (line: string): string => (line.length <= mostColumns ? line : `${line.slice(0, mostColumns - 1)}…`)

let text = ''
for await (const chunk of process.stdin) text += chunk
const lines = shorten(text.trimEnd().split('\n')).map(cut)
const width = Math.round(mostColumns * charWidth + 32)
const height = lines.length * lineHeight + 36
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A run of the demo in a terminal">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" fill="#c9d1d9">
${lines.map(drawLine).join('\n')}
</g>
</svg>
`)

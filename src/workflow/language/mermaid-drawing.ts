/** Where the next step comes from, and what stands on the edge to it. */
export type End = { id: string; label: string | null }

export type Drawing = {
  /** Gives the node's name. */
  node: (shape: keyof typeof brackets, text: readonly string[]) => string
  edge: (from: End, to: string, kind?: 'solid' | 'dotted') => void
  /** What is drawn within stands in a subgraph. */
  group: <T>(text: readonly string[], draw: () => T) => T
  text: () => string
}

const brackets = {
  box: ['[', ']'],
  round: ['(', ')'],
  stadium: ['([', '])'],
  diamond: ['{', '}'],
  hexagon: ['{{', '}}'],
  subroutine: ['[[', ']]'],
  point: ['((', '))'],
} as const

/**
 * Lines of a Mermaid flowchart. Edges are written after all nodes and subgraphs: Mermaid puts a node into the subgraph in
 * which it is first named.
 */
export const newDrawing = (): Drawing => {
  const lines: string[] = ['flowchart TD']
  const edges: string[] = []
  let depth = 1
  let count = 0
  const write = (text: string): void => {
    lines.push(`${'  '.repeat(depth)}${text}`)
  }
  const name = (letter: string): string => {
    count += 1
    return `${letter}${count}`
  }
  return {
    node: (shape, text) => {
      const id = name('n')
      const [open, close] = brackets[shape]
      write(`${id}${open}${quoted(text)}${close}`)
      return id
    },
    edge: (from, to, kind = 'solid') => {
      const arrow = kind === 'solid' ? '-->' : '-.->'
      edges.push(`  ${from.id} ${arrow}${from.label === null ? '' : `|${quoted([from.label])}|`} ${to}`)
    },
    group: (text, draw) => {
      write(`subgraph ${name('g')}[${quoted(text)}]`)
      depth += 1
      const drawn = draw()
      depth -= 1
      write('end')
      return drawn
    },
    text: () => [...lines, ...edges].join('\n'),
  }
}

const quoted = (text: readonly string[]): string => `"${text.length === 0 ? ' ' : text.map(escaped).join('<br/>')}"`

/**
 * Mermaid writes a character as `#`, its number and `;`. All but letters, digits and what never means anything is written
 * so: quotes end a text, `%%{` is a directive wherever it stands, and a backtick or a list's dash begins Markdown.
 */
const escaped = (text: string): string =>
  text.replace(/[^\p{L}\p{N} _,.]|^[\d.]+/gu, (found) => [...found].map((one) => `#${one.codePointAt(0)};`).join(''))

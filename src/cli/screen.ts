import { stripVTControlCharacters, styleText } from 'node:util'
import { processEnvironment, wantsColour } from '../config/environment.ts'
import { JourneymanError } from '../domain/errors.ts'

export type Format = Parameters<typeof styleText>[0]
export type Style = (format: Format, text: string) => string

/** Standard output, as a person sees it: lines that stay, and on a terminal lines that are drawn again. */
export type Screen = {
  isTerminal: boolean
  columns: number
  style: Style
  say: (line?: string) => void
  /** Draws these lines in place of those that were drawn last. */
  draw: (lines: string[]) => void
  /** What is drawn now stays. */
  keep: () => void
}

const narrowest = 40

export const createScreen = (): Screen => {
  const stream = process.stdout
  const colour = wantsColour(processEnvironment(), stream)
  const isTerminal = stream.isTTY === true && processEnvironment()['TERM'] !== 'dumb'
  let drawn = 0
  let closed = false
  // `journeyman logs … | head` is no mishap: what is being told ends in good order, see `with-operator.ts`.
  stream.on('error', () => {
    closed = true
  })
  const write = (text: string) => {
    if (closed) throw new JourneymanError('stopped', 'Nobody reads what is told any more.')
    stream.write(text)
  }
  const style: Style = (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text)
  return {
    isTerminal,
    get columns() {
      return Math.max(narrowest, isTerminal ? (stream.columns ?? 80) : 160)
    },
    style,
    say: (line = '') => write(`${line}\n`),
    draw: (lines) => {
      const fitting = thatFit(lines, stream.columns ?? 80, (stream.rows ?? 24) - 1)
      const back = drawn > 0 ? `\u001b[${drawn}A` : ''
      drawn = fitting.rows
      write(`${back}\u001b[0J${fitting.lines.join('\n')}\n`)
    },
    keep: () => {
      drawn = 0
    },
  }
}

/** The last lines that fit, with the rows that they take: more could not be taken back, and stays out of sight. */
export const thatFit = (lines: string[], columns: number, mostRows: number): { lines: string[]; rows: number } => {
  let rows = 0
  const fitting: string[] = []
  for (const line of lines.toReversed()) {
    const taken = Math.max(1, Math.ceil([...stripVTControlCharacters(line)].length / columns))
    if (rows + taken > mostRows) break
    rows += taken
    fitting.unshift(line)
  }
  return { lines: fitting, rows }
}

/**
 * Text that others wrote (tickets, models, commands) as a terminal may be given it: without escape sequences and control
 * characters, which could move the cursor, hide lines or answer for the person who reads.
 */
export const plainText = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll('\t', '  ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to go, with the marks that turn text round.
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')

/** The same in one line of at most so many characters. */
export const oneLine = (text: string, most: number): string => {
  const line = plainText(text).replace(/\s+/g, ' ').trim()
  const letters = [...line]
  return letters.length <= most ? line : `${letters.slice(0, Math.max(0, most - 1)).join('')}…`
}

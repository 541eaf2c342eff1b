import type { ModelRequest } from '../contract.ts'

/**
 * An estimate that may be far too high but not too low, since money is reserved by it. A tokenizer joins letters of one
 * case, seldom digits, signs or foreign scripts, so that is how they are counted: a run of letters of one case (a capital
 * may lead it) is half its length, everything else a token a byte, and a single space before a word nothing. A word whose
 * case changes more often than a name's is no word but base64, and counts for more. Prose comes out two to three times too
 * high; base64 and hexadecimal, where "four characters a token" fails, a little.
 */
export const estimateTextTokens = (text: string): number => {
  let tokens = 0
  let letters = 0
  let changes = 0
  let previous = other
  for (let index = 0; index < text.length; index++) {
    const kind = kindOf(text.charCodeAt(index))
    if (kind === lower || kind === upper) {
      if (letters > 0 && kind !== previous && (kind === upper || letters > 1)) {
        const led = kind === lower ? 1 : 0
        changes += 1
        tokens += Math.ceil((letters - led) / 2) + (changes > changesOfAName ? 0.5 : 0)
        letters = led
      }
      letters += 1
    } else {
      tokens += Math.ceil(letters / 2)
      letters = 0
      if (kind === space) changes = 0
      tokens += kind === space ? (previous === space ? 0.25 : 0) : kind
    }
    previous = kind
  }
  return Math.ceil(tokens + Math.ceil(letters / 2))
}

const changesOfAName = 4

/** What the vendor adds: a preamble where there are tools, the text of its own tools, and what frames a block. */
const preamble = 600
const vendorTool = 900
const perBlock = 40

export const estimateRequestTokens = (piece: Pick<ModelRequest, 'system' | 'tools' | 'messages'>): number => {
  let tokens = piece.tools.length > 0 ? preamble : 0
  for (const block of piece.system) tokens += perBlock + estimateTextTokens(block.text)
  for (const tool of piece.tools) {
    tokens += perBlock + ('type' in tool ? vendorTool : estimateTextTokens(JSON.stringify(tool)))
  }
  for (const message of piece.messages) {
    tokens += perBlock
    for (const block of message.content) tokens += perBlock + estimateTextTokens(textOf(block))
  }
  return tokens
}

const textOf = (block: ModelRequest['messages'][number]['content'][number]): string => {
  if (block.type === 'text') return block.text
  if (block.type === 'tool_result') return block.content
  if (block.type === 'thinking') return block.thinking + block.signature
  if (block.type === 'redacted_thinking') return block.data
  return `${block.name}${JSON.stringify(block.input)}`
}

/** Kinds that are positive are also the cost of one such character: a byte of UTF-8 is at most a token. */
const other = 1
const twoBytes = 2
const threeBytes = 3
const lower = -1
const upper = -2
const space = -3

const kindOf = (code: number): number => {
  if (code === 32) return space
  if (code >= 97 && code <= 122) return lower
  if (code >= 65 && code <= 90) return upper
  if (code < 0x80) return other
  return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? twoBytes : threeBytes
}

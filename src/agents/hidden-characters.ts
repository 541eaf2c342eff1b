/**
 * Characters that a reader does not see and a model does: tags (a hidden alphabet), variation selectors (which can carry
 * bytes), direction marks (which show text in another order than it has), characters without width, and controls.
 */
const tags = '\\u{E0000}-\\u{E007F}'
const variationSelectors = '\\uFE00-\\uFE0F\\u{E0100}-\\u{E01EF}\\u180B-\\u180F'
const direction = '\\u061C\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069'
const noWidth =
  '\\u00AD\\u034F\\u115F\\u1160\\u17B4\\u17B5\\u200B-\\u200D\\u2060-\\u2065\\u206A-\\u206F\\u3164\\uFEFF\\uFFA0\\uFFF9-\\uFFFB\\u{1D173}-\\u{1D17A}'
const controls = '\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\u007F-\\u009F'

const hidden = new RegExp(`[${tags}${variationSelectors}${direction}${noWidth}${controls}]`, 'gu')

/** For text that people wrote: what cannot be seen is taken out. Counts it, so that a person can be told. */
export const removeHidden = (text: string): { text: string; removed: number } => {
  let removed = 0
  const seen = text.replace(/\r\n?/g, '\n').replace(hidden, () => {
    removed += 1
    return ''
  })
  return { text: seen, removed }
}

/**
 * For what tools bring from the work tree: nothing is taken out, since an edit must match the file, but what cannot be seen
 * is written as its number. An emoji's own selector and joiner, and the colours of a terminal, are too common to be told.
 */
export const revealHidden = (text: string): string => {
  const plain = text.replace(terminalCodes, '')
  return plain.replace(hidden, (character, offset: number) => {
    const ofAPicture = character === '\uFE0F' || character === '\u200D'
    if (ofAPicture && afterPicture.test(plain.slice(Math.max(0, offset - 3), offset))) return character
    return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what begins a terminal's code.
const terminalCodes = /\u001B\[[0-9;?]*[A-Za-z]/g
const afterPicture = /(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\uFE0F)$/u

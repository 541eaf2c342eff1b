import { randomBytes } from 'node:crypto'
import { removeHidden } from './hidden-characters.ts'
import { removeHiddenMarkup } from './hidden-markup.ts'
import { shortenMiddle } from './shorten-middle.ts'

/** Who wrote a text, where it stands, and what that person may do in the repository: `write`, `read`, `none`. */
export type Origin = { origin: string; author: string; permission: string }

const maxCharacters = 100_000

/**
 * A text that anyone may have written, as a reader of its page sees it: without characters that cannot be seen and without
 * markup that is not shown. The same text is what people are shown and what the model gets. This is depth and no boundary:
 * what keeps an agent from harm is that it holds no keys and writes nothing itself.
 */
export const normaliseUntrusted = (text: string): string => {
  return bounded(removeHiddenMarkup(removeHidden(bounded(text)).text)).trim()
}

/** Before, so that the work is bounded, and after, since the marks of what was removed take room too. */
const bounded = (text: string): string => shortenMiddle(text, maxCharacters, 'The text is longer than is read.')

/** The same for a text of one line: a title, a label, a name. */
export const normaliseLine = (text: string): string => {
  const line = normaliseUntrusted(text).replace(/\s+/g, ' ').trim()
  return line.length > 300 ? `${line.slice(0, 299)}…` : line
}

/**
 * Normalised and put between tags that the text cannot forge, since it was written before their name was drawn. The tags
 * say where it is from. `name` is for tests; it must not be guessable otherwise.
 */
export const quoteUntrusted = (text: string, origin: Origin, name = randomBytes(8).toString('hex')): string => {
  // A tag that only looks like ours would still confuse a reader in a hurry.
  const disarmed = normaliseUntrusted(text)
    .replace(/<(?=\/?\s*(?:un)?trusted)/gi, '‹')
    .replaceAll(name, '')
  const attributes = Object.entries(origin).map(([key, value]) => `${key}="${attribute(value)}"`)
  return `<untrusted-${name} ${attributes.join(' ')}>\n${disarmed}\n</untrusted-${name}>`
}

const attribute = (value: string): string =>
  normaliseLine(value)
    .replace(/[<>"&]/g, '')
    .slice(0, 200)

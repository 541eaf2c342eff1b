/**
 * Makes a text that somebody else wrote harmless where we repeat it: it mentions nobody, commands nobody, closes nothing,
 * hides nothing, loads nothing and opens no markup of its own.
 */
export const disarm = (text: string): string =>
  disarmPlain(
    text
      .replace(/<(?=[a-z/!?])/gi, '&lt;')
      // An image is fetched by whoever looks, and so tells its address to somebody.
      .replace(/!(?=\[)/g, '!\\')
      // The definition of a reference is never shown.
      .replace(/^([ \t>]*)\[(?=[^\]\n]*\]:)/gm, '$1\\['),
  )

/**
 * The same for what is shown as it stands, a title or the message of a commit: it mentions nobody, commands nobody, closes
 * nothing, and keeps no check from running.
 */
export const disarmPlain = (text: string): string =>
  text
    // Behind a back tick too: one that is never closed makes no code.
    .replace(/(^|\W)@(?=[\w-])/g, '$1@\u200b')
    .replace(/^(\s*)\/(?=ai\b)/gm, '$1\u200b/')
    .replace(closing, '$1\u200b')
    .replace(/\[(?=(?:skip ci|ci skip|no ci|skip actions|actions skip)\])/gi, '[\u200b')

/** A keyword before `#1`, `owner/name#1`, `GH-1` or an address: the host closes what it names when the change is merged. */
const closing =
  /\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?=:?\s+(?:(?:[\w.-]+\/[\w.-]+)?#\d|gh-\d|https?:\/\/\S+\/(?:issues|pull)\/\d))/gi

/** A short piece for one line, as code: no back ticks, no line breaks. */
export const inlineCode = (text: string): string => `\`${text.replaceAll('`', "'").replace(/\s+/g, ' ').trim()}\``

/** A block of output, in a fence that it cannot end. */
export const fenced = (text: string, language = ''): string => {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((match) => match[0].length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text.replace(/\n+$/, '')}\n${fence}`
}

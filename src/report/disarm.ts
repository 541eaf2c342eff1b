/**
 * Makes a text that somebody else wrote harmless where we repeat it: it mentions nobody, commands nobody, hides nothing
 * and opens no markup of its own.
 */
export const disarm = (text: string): string =>
  text
    .replace(/<!--/g, '&lt;!--')
    .replace(/<(?=[a-z/!])/gi, '&lt;')
    .replace(/(^|[^\w`])@(?=[\w-])/g, '$1@\u200b')
    .replace(/^(\s*)\/(?=ai\b)/gm, '$1\u200b/')
    .replace(/\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)(\s+)#(?=\d)/gi, '$1$2#\u200b')

/** A short piece for one line, as code: no back ticks, no line breaks. */
export const inlineCode = (text: string): string => `\`${text.replaceAll('`', "'").replace(/\s+/g, ' ').trim()}\``

/** A block of output, in a fence that it cannot end. */
export const fenced = (text: string, language = ''): string => {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((match) => match[0].length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text.replace(/\n+$/, '')}\n${fence}`
}

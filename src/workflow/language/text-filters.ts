import { elementsOf, isList, isRecord, keysOf, misfit, own, textOf } from './data.ts'
import type { Filter } from './filter.ts'
import type { Meter } from './meter.ts'

const onText = (params: string[], run: (text: string, args: unknown[], meter: Meter) => unknown): Filter => ({
  params,
  run: (input, args, meter) => run(textOf(input, meter), args, meter),
})

/** An argument that is a whole number, within bounds. */
export const countOf = (value: unknown, fallback: number, most = 1_000_000): number => {
  if (value === undefined || value === null) return fallback
  const count = typeof value === 'string' ? Number(value) : value
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || count > most) {
    throw misfit(
      `A filter wants a whole number from 0 to ${most} and was given ${JSON.stringify(value)?.slice(0, 40)}.`,
    )
  }
  return count
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).toLowerCase()

const entities: Record<string, string> = {
  '&': '&amp;',
  '"': '&quot;',
  "'": '&#39;',
  '<': '&lt;',
  '>': '&gt;',
  '`': '&#96;',
  '\\': '&#92;',
}

const escaped = onText([], (text, _args, meter) => {
  meter.grow(text.length * 6)
  return text.replace(/[&"'<>`\\]/g, (character) => entities[character]!)
})

const center = onText(['width'], (text, [width], meter) => {
  const columns = countOf(width, 80)
  if (text.length >= columns) return text
  meter.grow(columns)
  const spaces = columns - text.length
  const before = Math.floor(spaces / 2)
  return ' '.repeat(before) + text + ' '.repeat(spaces - before)
})

const indent = onText(['width', 'indentfirst'], (text, [width, first], meter) => {
  const lines = text.split('\n')
  const space = ' '.repeat(countOf(width, 4, 1000))
  meter.grow(lines.length * space.length)
  return lines.map((line, index) => (index === 0 && !first ? line : space + line)).join('\n')
})

/** Texts are replaced literally. */
const replace = onText(['old', 'new', 'count'], (text, [old, replacement, count], meter) => {
  const search = textOf(old, meter)
  const most = count === undefined || count === -1 ? Number.POSITIVE_INFINITY : countOf(count, 0)
  const by = textOf(replacement, meter)
  const parts = search === '' ? ['', ...text, ''] : text.split(search)
  if (parts.length === 1 || most === 0) return text
  meter.grow(parts.length * by.length)
  const replaced = Math.min(parts.length - 1, most)
  return (
    parts.slice(0, replaced + 1).join(by) +
    parts
      .slice(replaced + 1)
      .map((part) => search + part)
      .join('')
  )
})

const truncate = onText(['length', 'killwords', 'end'], (text, [length, killwords, end], meter) => {
  const most = countOf(length, 255) || 255
  if (text.length <= most) return text
  const space = killwords ? -1 : text.lastIndexOf(' ', most)
  return text.slice(0, space === -1 ? most : space) + (end === undefined || end === null ? '...' : textOf(end, meter))
})

const truncateMiddle = onText(['length', 'marker'], (text, [length, marker], meter) => {
  const most = countOf(length, 255)
  const between = marker === undefined ? '…' : textOf(marker, meter)
  if (text.length <= most) return text
  const kept = Math.max(0, most - between.length)
  const head = Math.ceil(kept / 2)
  return text.slice(0, head) + between + text.slice(text.length - (kept - head))
})

/** Lower case letters, digits and single hyphens: safe in a branch name, an address and a file name. */
const slug = onText(['length'], (text, [length]) => {
  const words = text
    .slice(0, 1000)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^a-z0-9]/)
  const joined = words
    .filter((word) => word !== '')
    .join('-')
    .slice(0, countOf(length, 50))
  return joined.endsWith('-') ? joined.slice(0, -1) : joined
})

/** Tags and comments taken out in one pass; a pattern would go back over the text for every `<` that is not closed. */
const striptags = onText(['preserve_linebreaks'], (text, [preserve]) => {
  const bare = withoutTags(text).trim()
  const lines = bare.replace(/\r\n/g, '\n').split('\n')
  if (!preserve)
    return bare
      .split(/\s/)
      .filter((word) => word !== '')
      .join(' ')
  const trimmed = lines.map((line) =>
    line
      .split(' ')
      .filter((word) => word !== '')
      .join(' '),
  )
  return trimmed.filter((line, index) => line !== '' || trimmed[index - 1] !== '').join('\n')
})

const withoutTags = (text: string): string => {
  const kept: string[] = []
  let from = 0
  for (let open = text.indexOf('<'); open !== -1; open = text.indexOf('<', open + 1)) {
    const end = endOfTag(text, open)
    if (end === -1) continue
    kept.push(text.slice(from, open))
    from = end
    open = end - 1
  }
  kept.push(text.slice(from))
  return kept.join('')
}

/** Longer tags and comments stay: the search for an end must not make the whole quadratic. */
const longestTag = 2000

const endOfTag = (text: string, open: number): number => {
  const window = text.slice(open, open + longestTag)
  if (window.startsWith('<!--')) {
    const end = window.indexOf('-->')
    return end === -1 ? -1 : open + end + 3
  }
  if (!/^<\/?[a-z]/i.test(window)) return -1
  const end = window.indexOf('>')
  return end === -1 ? -1 : open + end + 1
}

const urlencode: Filter = {
  params: [],
  run: (input, _args, meter) => {
    const encode = (value: unknown): string => {
      const text = textOf(value, meter)
      meter.grow(text.length * 9)
      return encodeURIComponent(text.toWellFormed())
    }
    if (isRecord(input))
      return keysOf(input)
        .map((key) => `${encode(key)}=${encode(own(input, key))}`)
        .join('&')
    if (isList(input))
      return elementsOf(input, meter)
        .map((pair) => `${encode(own(pair, 0))}=${encode(own(pair, 1))}`)
        .join('&')
    return encode(input)
  },
}

const urlize = onText(['length', 'nofollow'], (text, [length, nofollow], meter) => {
  const most = countOf(length, text.length)
  const words = text.split(/(\s)/)
  meter.grow(text.length * 3 + words.length * 40)
  return words.map((word) => linked(word, most, nofollow === true)).join('')
})

const linked = (word: string, most: number, nofollow: boolean): string => {
  const target = word.startsWith('www.') ? `http://${word}` : word
  if (!target.startsWith('http://') && !target.startsWith('https://')) return word
  return `<a href="${target}"${nofollow ? ' rel="nofollow"' : ''}>${word.slice(0, most)}</a>`
}

const wordcount = onText([], (text, _args, meter) => {
  meter.grow(text.length)
  return text.split(/\W/).filter((word) => word !== '').length
})

export const textFilters: Record<string, Filter> = {
  capitalize: onText([], capitalized),
  center,
  escape: escaped,
  e: escaped,
  forceescape: escaped,
  indent,
  lower: onText([], (text) => text.toLowerCase()),
  nl2br: onText([], (text, _args, meter) => {
    meter.grow(text.length * 7)
    return text.replace(/\r\n|\n/g, '<br />\n')
  }),
  replace,
  slug,
  string: onText([], (text) => text),
  striptags,
  title: onText([], (text) => text.split(' ').map(capitalized).join(' ')),
  trim: onText([], (text) => text.trim()),
  truncate,
  truncate_middle: truncateMiddle,
  upper: onText([], (text) => text.toUpperCase()),
  urlencode,
  urlize,
  wordcount,
}

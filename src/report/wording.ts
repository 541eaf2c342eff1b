/** `2m 10s`, `14s`, `1h 3m`, `2d 4h`; under a second it is nothing worth a figure. */
export const duration = (ms: number): string => {
  const seconds = Math.round(ms / 1000)
  if (seconds < 1) return '<1s'
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

/** `14:05 UTC`, with the date where that is not today's. */
export const clockTime = (at: Date, now: Date): string => {
  const [day, time] = [at.toISOString().slice(0, 10), at.toISOString().slice(11, 16)]
  return day === now.toISOString().slice(0, 10) ? `${time} UTC` : `${day} ${time} UTC`
}

/** `one`, `one and two`, `one, two and three`. */
export const listing = (words: string[], last = 'and'): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`

/** Cut at a word where one is near, never within a character. */
export const shorten = (text: string, most: number): string => {
  if (text.length <= most) return text
  const cut = text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')
  const space = cut.lastIndexOf(' ')
  return `${(space > most * 0.7 ? cut.slice(0, space) : cut).trimEnd()}…`
}

/** On one line. */
export const oneLine = (text: string, most: number): string => shorten(text.replace(/\s+/g, ' ').trim(), most)

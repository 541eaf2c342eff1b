import { JourneymanError } from '../domain/errors.ts'

export const wholeNumber = (option: string, text: string): number => {
  const number = Number(text.replace(/^#/, ''))
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new JourneymanError('invalid_input', `${option} takes a whole number from 1 on, not "${text}".`)
}

/** `k=v` as a pair; the value may hold anything, also more equals signs. */
export const pairs = (option: string, texts: string[]): Record<string, string> => {
  const entries = texts.map((text): [string, string] => {
    const at = text.indexOf('=')
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
    throw new JourneymanError('invalid_input', `${option} takes name=value, not "${text}".`)
  })
  const twice = entries.find(([name], index) => entries.findIndex(([other]) => other === name) !== index)
  if (twice) throw new JourneymanError('invalid_input', `${option} ${twice[0]} is given twice.`)
  return Object.fromEntries(entries)
}

/** For an option that may be given several times. */
export const gather = (text: string, before: string[]): string[] => [...before, text]

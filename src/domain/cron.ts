import { JourneymanError } from './errors.ts'

/**
 * Five fields of cron, in UTC: minute, hour, day of the month, month, day of the week. A field is `*`, a number, a range
 * (`mon-fri`), either with a step (`8-18/2`), or a list of these. Months and days of the week have English names of
 * three letters; Sunday is 0 and 7. Where both days are restricted, either is enough, as cron has always had it.
 */
export type Cron = {
  minutes: ReadonlySet<number>
  hours: ReadonlySet<number>
  days: ReadonlySet<number>
  months: ReadonlySet<number>
  weekdays: ReadonlySet<number>
  /** Both kinds of days are restricted. */
  eitherDay: boolean
}

/** Throws `invalid_input` with a sentence on what is wrong, of what no time would ever be too. */
export const parseCron = (text: string): Cron => {
  const parts = text.trim().split(/\s+/)
  if (parts.length !== fields.length) {
    const found = parts[0] === '' ? 'none' : String(parts.length)
    throw refused(
      text,
      `it has five fields (minute, hour, day of the month, month, day of the week), and here are ${found}`,
    )
  }
  const [minutes, hours, days, months, weekdays] = fields.map((field, index) => valuesOf(parts[index]!, field, text))
  const [, , day, , weekday] = parts as [string, string, string, string, string]
  const cron = {
    minutes: minutes!,
    hours: hours!,
    days: days!,
    months: months!,
    weekdays: new Set([...weekdays!].map((value) => value % 7)),
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
  }
  if (!cron.eitherDay && !hasDay(cron)) throw refused(text, 'no month that it names has such a day, so it never comes')
  return cron
}

/** The last due minute that is after `after` and not after `now`; null when there is none. */
export const lastDue = (cron: Cron, after: Date, now: Date): Date | null => {
  let minute = Math.floor(now.getTime() / minuteMs)
  const first = Math.max(Math.floor(after.getTime() / minuteMs), minute - mostMinutesBack)
  for (; minute > first; minute -= 1) {
    const at = new Date(minute * minuteMs)
    if (isDue(cron, at)) return at
  }
  return null
}

const minuteMs = 60_000
/** A week: whoever asks for more wants something else. */
const mostMinutesBack = 7 * 24 * 60

const isDue = (cron: Cron, at: Date): boolean =>
  cron.minutes.has(at.getUTCMinutes()) &&
  cron.hours.has(at.getUTCHours()) &&
  cron.months.has(at.getUTCMonth() + 1) &&
  isDayDue(cron, cron.days.has(at.getUTCDate()), cron.weekdays.has(at.getUTCDay()))

const isDayDue = ({ eitherDay }: Cron, day: boolean, weekday: boolean): boolean =>
  eitherDay ? day || weekday : day && weekday

type Field = { name: string; from: number; to: number; names: readonly string[] }

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const fields: readonly Field[] = [
  { name: 'minute', from: 0, to: 59, names: [] },
  { name: 'hour', from: 0, to: 23, names: [] },
  { name: 'day of the month', from: 1, to: 31, names: [] },
  { name: 'month', from: 1, to: 12, names: monthNames },
  { name: 'day of the week', from: 0, to: 7, names: weekdayNames },
]

const longestMonths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const hasDay = ({ days, months }: Cron): boolean => {
  const first = Math.min(...days)
  return [...months].some((month) => first <= longestMonths[month - 1]!)
}

const item = /^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d{1,4}))?$/

const valuesOf = (text: string, field: Field, whole: string): Set<number> => {
  const values = new Set<number>()
  for (const part of text.toLowerCase().split(',')) {
    const found = item.exec(part)
    if (!found) throw refused(whole, `"${part}" is no ${field.name}`)
    const [, star, low, high, step] = found
    const from = star ? field.from : numberOf(low!, field, whole)
    const to = star ? field.to : high !== undefined ? numberOf(high, field, whole) : step ? field.to : from
    if (to < from) throw refused(whole, `"${part}" goes backwards: write it as two, with a comma between`)
    if (step !== undefined && Number(step) === 0) throw refused(whole, `the step of "${part}" is 0`)
    for (let value = from; value <= to; value += Number(step ?? 1)) values.add(value)
  }
  return values
}

const numberOf = (text: string, { name, from, to, names }: Field, whole: string): number => {
  const named = names.indexOf(text)
  // Months count from 1, days of the week from 0, as their fields do.
  const value = named >= 0 ? named + from : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(value)) throw refused(whole, `"${text}" is no ${name}`)
  if (value < from || value > to) throw refused(whole, `${value} is no ${name}: it goes from ${from} to ${to}`)
  return value
}

const refused = (text: string, why: string): JourneymanError =>
  new JourneymanError('invalid_input', `"${text.slice(0, 80)}" is no schedule: ${why}.`, {
    nextAction: 'Write it like "0 6 * * mon-fri": at six on weekdays, in UTC.',
  })

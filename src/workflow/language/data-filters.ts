import { rank } from './compare.ts'
import { isRecord, jsonOf, keysOf, kindOf, misfit, own, plainCopy, textOf } from './data.ts'
import type { Filter } from './filter.ts'
import type { Meter } from './meter.ts'
import { countOf } from './text-filters.ts'

const json: Filter = {
  params: ['spaces'],
  run: (input, [spaces], meter) => {
    const text = jsonOf(input, meter, countOf(spaces, 0, 10))
    meter.grow(text.length)
    return text
  },
}

const fromJson: Filter = {
  params: [],
  run: (input, _args, meter) => {
    const text = textOf(input, meter)
    try {
      return plainCopy(JSON.parse(text), meter)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw misfit('`from_json` was given a text that is not JSON.')
    }
  },
}

/** In UTC, so that a replay on another machine says the same. */
const date: Filter = {
  params: ['format'],
  run: (input, [format], meter) => {
    const time = new Date(typeof input === 'number' ? input : textOf(input, meter))
    if (Number.isNaN(time.getTime())) throw misfit(`\`date\` was given ${kindOf(input)} that is not a time.`)
    const iso = time.toISOString()
    if (!/^\d{4}-/.test(iso)) throw misfit('`date` was given a year that it cannot write.')
    const parts: Record<string, string> = {
      YYYY: iso.slice(0, 4),
      MM: iso.slice(5, 7),
      DD: iso.slice(8, 10),
      HH: iso.slice(11, 13),
      mm: iso.slice(14, 16),
      ss: iso.slice(17, 19),
    }
    const pattern = format === undefined ? 'YYYY-MM-DD' : textOf(format, meter).slice(0, 200)
    return pattern.replace(/YYYY|MM|DD|HH|mm|ss/g, (token) => parts[token]!)
  },
}

const number = (name: string, input: unknown): number => {
  const value = typeof input === 'string' && input.trim() !== '' ? Number(input) : input
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw misfit(`\`${name}\` wants a number and was given ${kindOf(input)}.`)
}

const round: Filter = {
  params: ['precision', 'method'],
  run: (input, [precision, method]) => {
    const factor = 10 ** countOf(precision, 0, 15)
    const value = number('round', input) * factor
    if (method === 'ceil') return Math.ceil(value) / factor
    return (method === 'floor' ? Math.floor(value) : Math.round(value)) / factor
  },
}

const int: Filter = {
  params: ['default', 'base'],
  run: (input, [fallback, base], meter) => {
    const radix = Math.max(2, countOf(base, 10, 36))
    const value = Number.parseInt(textOf(input, meter), radix)
    return Number.isFinite(value) ? value : (fallback ?? null)
  },
}

const float: Filter = {
  params: ['default'],
  run: (input, [fallback], meter) => {
    const value = Number.parseFloat(textOf(input, meter))
    return Number.isFinite(value) ? value : (fallback ?? null)
  },
}

const dictsort: Filter = {
  params: ['case_sensitive', 'by'],
  run: (input, [caseSensitive, by], meter: Meter) => {
    if (!isRecord(input)) throw misfit(`\`dictsort\` sorts an object and was given ${kindOf(input)}.`)
    const index = by === 'value' ? 1 : 0
    const folded = (value: unknown): unknown =>
      typeof value === 'string' && !caseSensitive ? value.toUpperCase() : value
    const keys = keysOf(input)
    meter.grow(keys.length * 8)
    const pairs = keys.map((key): [string, unknown] => [key, own(input, key)])
    return pairs.sort((a, b) => {
      meter.step()
      return rank(folded(a[index]), folded(b[index]))
    })
  },
}

/** Both names are here so that they are known; the interpreter evaluates them, since their input may be undefined. */
const fallback: Filter = { params: ['value', 'boolean'], run: (input) => input }

export const dataFilters: Record<string, Filter> = {
  abs: { params: [], run: (input) => Math.abs(number('abs', input)) },
  d: fallback,
  date,
  default: fallback,
  dictsort,
  dump: json,
  float,
  from_json: fromJson,
  int,
  json,
  round,
}

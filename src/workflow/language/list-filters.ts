import { equal, rank } from './compare.ts'
import { elementsOf, isList, isRecord, keysOf, kindOf, misfit, own, ownPath, textOf } from './data.ts'
import type { Filter } from './filter.ts'
import type { Meter } from './meter.ts'
import { runPredicate } from './predicates.ts'
import { countOf } from './text-filters.ts'

const onList = (params: string[], run: (list: unknown[], args: unknown[], meter: Meter) => unknown): Filter => ({
  params,
  run: (input, args, meter) => {
    if (!isList(input)) throw misfit(`The filter wants a list and was given ${kindOf(input)}.`)
    return run(elementsOf(input, meter), args, meter)
  },
})

const onListOrText = (params: string[], run: (list: unknown[], args: unknown[], meter: Meter) => unknown): Filter => {
  const filter = onList(params, run)
  return {
    params,
    run: (input, args, meter) => filter.run(typeof input === 'string' ? lettersOf(input, meter) : input, args, meter),
  }
}

const lettersOf = (text: string, meter: Meter): string[] => {
  meter.grow(text.length * 8)
  return text.split('')
}

const attributeOf = (item: unknown, attribute: unknown): unknown =>
  attribute === undefined || attribute === null ? item : ownPath(item, String(attribute))

const batch = onListOrText(['linecount', 'fill_with'], (list, [count, fill], meter) => {
  const size = Math.max(1, countOf(count, 1))
  const rows: unknown[][] = []
  for (let at = 0; at < list.length; at += size) rows.push(list.slice(at, at + size))
  const last = rows.at(-1)
  if (last && fill !== undefined && fill !== null) {
    meter.grow((size - last.length) * 8)
    while (last.length < size) last.push(fill)
  }
  return rows
})

/** Into so many parts of nearly the same length, the longer ones first. */
const slice = onListOrText(['slices', 'fill_with'], (list, [count, fill], meter) => {
  const slices = Math.max(1, countOf(count, 1))
  meter.grow(slices * 8)
  const length = Math.floor(list.length / slices)
  const longer = list.length % slices
  return Array.from({ length: slices }, (_, index) => {
    const start = index * length + Math.min(index, longer)
    const part = list.slice(start, start + length + (index < longer ? 1 : 0))
    return fill !== undefined && fill !== null && index >= longer ? [...part, fill] : part
  })
})

const sort = onList(['reverse', 'case_sensitive', 'attribute'], (list, [reverse, caseSensitive, attribute], meter) => {
  const keyOf = (item: unknown): unknown => {
    const key = attributeOf(item, attribute)
    return typeof key === 'string' && !caseSensitive ? key.toLowerCase() : key
  }
  const keyed = list.map((item) => ({ item, key: keyOf(item) }))
  const sorted = keyed.sort((a, b) => {
    meter.step()
    return reverse ? rank(b.key, a.key) : rank(a.key, b.key)
  })
  return sorted.map(({ item }) => item)
})

const join = onListOrText(['separator', 'attribute'], (list, [separator, attribute], meter) => {
  const between = textOf(separator, meter)
  meter.grow(list.length * between.length)
  return list.map((item) => textOf(attributeOf(item, attribute), meter)).join(between)
})

const sum = onList(['attribute', 'start'], (list, [attribute, start]) => {
  const addends = list.map((item) => attributeOf(item, attribute))
  return addends.reduce<number>((total, value) => total + numberOf(value), start === undefined ? 0 : numberOf(start))
})

const numberOf = (value: unknown): number => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw misfit(`\`sum\` adds numbers and met ${kindOf(value)}.`)
}

const groupby = onList(['attribute'], (list, [attribute], meter) => {
  const groups = new Map<string, unknown[]>()
  for (const item of list) {
    const key = textOf(attributeOf(item, attribute), meter)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return Object.fromEntries(groups)
})

const unique = onList(['attribute'], (list, [attribute], meter) => {
  const kept: { item: unknown; key: unknown }[] = []
  const simple = new Set<unknown>()
  for (const item of list) {
    const key = attributeOf(item, attribute)
    const isNew = isSimple(key) ? !simple.has(key) : !kept.some((other) => equal(other.key, key, meter))
    if (isSimple(key)) simple.add(key)
    if (isNew) kept.push({ item, key })
  }
  return kept.map(({ item }) => item)
})

const isSimple = (value: unknown): boolean => typeof value !== 'object' || value === null

const selecting = (wanted: boolean): Filter =>
  onListOrText(['test', 'argument'], (list, [test, argument], meter) => {
    const name = test === undefined ? 'truthy' : textOf(test, meter)
    return list.filter((item) => runPredicate(name, item, [argument], meter) === wanted)
  })

const selectingByAttribute = (wanted: boolean): Filter =>
  onList(['attribute'], (list, [attribute]) => list.filter((item) => Boolean(attributeOf(item, attribute)) === wanted))

const where = onList(['attribute', 'value'], (list, [attribute, value], meter) =>
  list.filter((item) => {
    const found = attributeOf(item, attribute)
    return value === undefined ? Boolean(found) : equal(found, value, meter)
  }),
)

const countedKeys = (record: object, meter: Meter): string[] => {
  const keys = keysOf(record)
  meter.grow(keys.length * 8)
  return keys
}

const list: Filter = {
  params: [],
  run: (input, _args, meter) => {
    if (isList(input)) return input
    if (typeof input === 'string') return lettersOf(input, meter)
    if (isRecord(input)) return countedKeys(input, meter).map((key) => ({ key, value: own(input, key) }))
    throw misfit(`\`list\` makes a list of a text or an object, and this is ${kindOf(input)}.`)
  },
}

const length: Filter = {
  params: [],
  whenUndefined: 0,
  run: (input, _args, meter) => {
    if (typeof input === 'string' || isList(input)) return input.length
    return isRecord(input) ? countedKeys(input, meter).length : 0
  },
}

const reverse: Filter = {
  params: [],
  run: (input, _args, meter) => {
    if (typeof input === 'string') return lettersOf(input, meter).reverse().join('')
    if (!isList(input)) throw misfit(`\`reverse\` wants a list or a text and was given ${kindOf(input)}.`)
    return elementsOf(input, meter).reverse()
  },
}

export const listFilters: Record<string, Filter> = {
  batch,
  first: onListOrText([], (items) => items[0] ?? null),
  groupby,
  join,
  last: onListOrText([], (items) => items.at(-1) ?? null),
  length,
  list,
  pluck: onList(['attribute'], (items, [attribute]) => items.map((item) => attributeOf(item, attribute) ?? null)),
  reject: selecting(false),
  rejectattr: selectingByAttribute(false),
  reverse,
  select: selecting(true),
  selectattr: selectingByAttribute(true),
  slice,
  sort,
  sum,
  unique,
  where,
}

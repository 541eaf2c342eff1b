import { dataFilters } from './data-filters.ts'
import type { Filter } from './filter.ts'
import { listFilters } from './list-filters.ts'
import { textFilters } from './text-filters.ts'

export const filters: Readonly<Record<string, Filter>> = Object.freeze({
  ...textFilters,
  ...listFilters,
  ...dataFilters,
})

export const findFilter = (name: string): Filter | null => (Object.hasOwn(filters, name) ? filters[name]! : null)

/** `default` is evaluated by the interpreter, since its input may be undefined. */
export const isDefaultFilter = (name: string): boolean => name === 'default' || name === 'd'

export const filterNames = (): string[] => Object.keys(filters)

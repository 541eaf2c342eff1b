import { parseAddress, type Segment } from '../domain/address.ts'
import type { Definition, Step } from '../workflow/language/definition.ts'

/** Whether a run of that definition could come to a step at that address: also in what it uses, and in what undoes or follows it. */
export const isPlace = (address: string, definition: Definition, others: readonly Definition[]): boolean => {
  const segments = parseAddress(address)
  if (segments === null) return false
  const [first, ...rest] = segments
  if (rest.length === 0 && first?.name === '@start') return true
  return isIn(definition, first?.name === '@rollback' ? rest : segments, others)
}

const isIn = (definition: Definition, segments: Segment[], others: readonly Definition[]): boolean => {
  const { always, onSuccess, onFailure } = definition.postExecution
  const after: Record<string, Step[]> = { '@always': always, '@on_success': onSuccess, '@on_failure': onFailure }
  const [first, ...rest] = segments
  const list = Object.hasOwn(after, first?.name ?? '') ? after[first?.name ?? ''] : undefined
  return list ? isAmong(list, rest, others) : isAmong(definition.steps, segments, others)
}

const isAmong = (list: readonly Step[], [first, ...rest]: Segment[], others: readonly Definition[]): boolean => {
  const step = list.find(({ name }) => name === first?.name)
  if (!first || !step) return false
  const { index, branch } = first
  if (rest.length === 0) return index === null && branch === null
  if (step.type === 'conditional') return index === null && branch !== null && isAmong(step[branch], rest, others)
  if (step.type === 'loop') return index !== null && branch === null && isAmong(step.steps, rest, others)
  if (index !== null || branch !== null) return false
  if (step.type === 'parallel') return isAmong(step.steps, rest, others)
  const used = step.type === 'workflow' ? others.find(({ name }) => name === step.uses) : undefined
  return used !== undefined && isIn(used, rest, others)
}

import type { Checking } from './checking.ts'
import { own } from './data.ts'
import type { Step } from './definition.ts'
import { namesSetBy } from './names-set-by.ts'
import { flatten } from './steps-within.ts'

/** Stands among names for all that there may be. */
export const anyName = '*'

/** The variables that a step may set too when its form is mended. */
export const mayAlsoSet = (step: Step, { gaps, pathOf, source }: Checking): string[] => {
  const path = pathOf(step)
  const isThere = (key: string): boolean => [...path, key].reduce<unknown>(own, source.value) !== undefined
  if (gaps.isBroken(path)) return [anyName]
  const words = [...gaps.wordsAt(path)]
  if (isThere('outputs') && !gaps.isClear([...path, 'outputs'])) return [...words, anyName]
  if (step.type !== 'system') return words
  const isKnown = gaps.isClear([...path, 'action']) && !gaps.isBroken([...path, 'type'])
  if (isKnown && step.action !== 'set') return words
  if (isThere('inputs') && !gaps.isClear([...path, 'inputs'])) return [...words, anyName]
  return isKnown ? words : [...words, ...Object.keys(step.inputs)]
}

/** All that the steps set, and all that they may set, with all that they hold. */
export const allSetWithin = (steps: readonly Step[], checking: Checking): Map<string, Step> => {
  const found = new Map<string, Step>()
  for (const step of flatten(steps)) {
    for (const name of namesSetBy(step)) if (!found.has(name)) found.set(name, step)
  }
  for (const step of flatten(steps)) {
    for (const name of mayAlsoSet(step, checking)) if (!found.has(name)) found.set(name, step)
  }
  return found
}

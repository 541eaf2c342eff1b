import type { Definition, Step } from './definition.ts'
import { conditionWords, type FindUsed, line, triggerWords, wordsOf } from './graph-words.ts'

/** A workflow as a tree for a terminal. What the steps say is shown as text, never as control characters. */
export const drawText = (definition: Definition, find: FindUsed = () => null): string =>
  [line(`${definition.name}  ${definition.description}`), ...branches(rootsOf(definition, find))].join('\n')

type Twig = { text: string; twigs: Twig[] }

const rootsOf = (definition: Definition, find: FindUsed): Twig[] => {
  const { on, prerequisites, successCriteria, postExecution } = definition
  const after: [string, Step[]][] = [
    ['on success', postExecution.onSuccess],
    ['on failure', postExecution.onFailure],
    ['always', postExecution.always],
  ]
  return [
    ...on.map((trigger) => leaf(`on ${triggerWords(trigger)}`)),
    ...prerequisites.map(({ condition }) => leaf(`only if ${conditionWords(condition)}`)),
    ...twigsOf(definition.steps, find, new Set([definition.name])),
    ...successCriteria.map(({ condition }) => leaf(`succeeds if ${conditionWords(condition)}`)),
    ...after
      .filter(([, steps]) => steps.length > 0)
      .map(([text, steps]) => ({ text, twigs: twigsOf(steps, find, new Set([definition.name])) })),
  ]
}

const leaf = (text: string): Twig => ({ text, twigs: [] })

const twigsOf = (steps: readonly Step[], find: FindUsed, seen: ReadonlySet<string>): Twig[] =>
  steps.map((step) => ({ text: textOf(step), twigs: within(step, find, seen) }))

const textOf = (step: Step): string => {
  const { title, does, marks } = wordsOf(step)
  const condition = step.condition === null ? [] : [`if ${conditionWords(step.condition)}`]
  const needs = step.needs.length === 0 ? [] : [line(`after ${step.needs.join(', ')}`)]
  return [does === '' ? title : `${title}  ${does}`, ...condition, ...needs, ...marks].join(' · ')
}

const within = (step: Step, find: FindUsed, seen: ReadonlySet<string>): Twig[] => {
  if (step.type === 'conditional') {
    const both: [string, Step[]][] = [
      ['then', step.then],
      ['else', step.else],
    ]
    return both
      .filter(([, steps]) => steps.length > 0)
      .map(([text, steps]) => ({ text, twigs: twigsOf(steps, find, seen) }))
  }
  if (step.type === 'parallel' || step.type === 'loop') return twigsOf(step.steps, find, seen)
  const used = step.type === 'workflow' && !seen.has(step.uses) ? find(step.uses) : null
  return used ? twigsOf(used.steps, find, new Set([...seen, used.name])) : []
}

const branches = (twigs: readonly Twig[], indent = ''): string[] =>
  twigs.flatMap(({ text, twigs: inner }, index) => {
    const isLast = index === twigs.length - 1
    const below = branches(inner, `${indent}${isLast ? '   ' : '│  '}`)
    return [`${indent}${isLast ? '└─ ' : '├─ '}${text}`, ...below]
  })

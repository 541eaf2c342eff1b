import type { Call, Definition, Step } from './definition.ts'
import type { Path } from './yaml-source.ts'

/** A text that is evaluated, and where it stands in the file. */
export type Site = { text: string; path: Path; kind: 'condition' | 'template' }

/** What a step evaluates itself; the steps that it holds have sites of their own. */
export const sitesOf = (step: Step, path: Path): Site[] => [
  ...(step.condition === null ? [] : [condition(step.condition, [...path, 'condition'])]),
  ...ownSites(step, path),
]

/** What is evaluated when a step is undone; it sees the step's `result` too. */
export const rollbackSites = (step: Step, path: Path): Site[] => {
  const call: Call | null = step.type === 'plugin' || step.type === 'ai_action' ? step.rollback : null
  return call ? templates(call.inputs, [...path, 'rollback', 'inputs']) : []
}

const ownSites = (step: Step, path: Path): Site[] => {
  switch (step.type) {
    case 'plugin':
    case 'workflow':
    case 'system':
      return templates(step.inputs, [...path, 'inputs'])
    case 'ai_action':
      return [...templates(step.inputs, [...path, 'inputs']), ...templates(step.prompt, [...path, 'prompt'])]
    case 'run':
      return templates(step.command, [...path, 'command'])
    case 'conditional':
      return [condition(step.test, [...path, 'condition'])]
    case 'loop':
      return templates(step.forEach, [...path, 'for_each'])
    case 'approval':
      return templates(step.shows, [...path, 'shows'])
    case 'parallel':
    case 'wait':
      return []
  }
}

export const prerequisiteSites = ({ prerequisites }: Definition): Site[] =>
  prerequisites.flatMap((item, index) => [
    condition(item.condition, ['prerequisites', index, 'condition']),
    ...templates(item.errorMessage, ['prerequisites', index, 'error_message']),
  ])

export const criterionSites = ({ successCriteria }: Definition): Site[] =>
  successCriteria.map((item, index) => condition(item.condition, ['success_criteria', index, 'condition']))

export const variableSites = ({ variables }: Definition, name: string): Site[] =>
  templates(variables[name], ['variables', name])

export const concurrencySites = ({ concurrency }: Definition): Site[] =>
  concurrency ? templates(concurrency.key, ['concurrency', 'key']) : []

export const templates = (value: unknown, path: Path): Site[] => {
  if (typeof value === 'string') return [{ text: value, path, kind: 'template' }]
  if (Array.isArray(value)) return value.flatMap((item, index) => templates(item, [...path, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => templates(item, [...path, key]))
}

const condition = (text: string, path: Path): Site => ({ text, path, kind: 'condition' })

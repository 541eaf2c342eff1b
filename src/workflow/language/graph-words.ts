import { duration } from '../../domain/duration.ts'
import type { Definition, Step, Trigger } from './definition.ts'

/** What a drawing says of a step (`does` is empty where the title says it), in the order in which a person asks: what is it, what does it do, what if it fails. */
export type StepWords = { title: string; does: string; marks: string[] }

/** The workflow that a step uses, where the drawing shall go into it. */
export type FindUsed = (name: string) => Definition | null

export const wordsOf = (step: Step): StepWords => ({
  title: step.name,
  // A step that is called what it does says it once.
  does: doesOf(step) === step.name ? '' : line(doesOf(step)),
  marks: [...onErrorMark(step), ...timeoutMark(step), ...rollbackMark(step)],
})

/** One line of text, whatever is in it. */
export const line = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal must not be told what to do by a workflow.
  shortened(text.replace(/[\s\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ').trim())

const longestText = 100

const shortened = (text: string): string => {
  const characters = [...text]
  return characters.length <= longestText ? text : `${characters.slice(0, longestText - 1).join('')}…`
}

/** The expression of a condition, with nothing round it. */
export const conditionWords = (condition: string): string => line(bareText(condition))

const bareText = (text: string): string => /^\s*\$\{(.*)\}\s*$/s.exec(text)?.[1]?.trim() ?? text

const doesOf = (step: Step): string => {
  switch (step.type) {
    case 'plugin':
      return step.description ?? `${step.plugin}.${step.action}`
    case 'ai_action':
      return step.description ?? `the agent ${step.agent}`
    case 'run':
      return step.description ?? `run ${String(step.command)}`
    case 'conditional':
      return `if ${bareText(step.test)}`
    case 'parallel':
      return `side by side, ${step.maxConcurrency} at once${step.failFast ? '' : ', all to their end'}`
    case 'loop':
      return `for each ${step.as} of ${listText(step.forEach)}, at most ${step.maxIterations}${atOnce(step.maxConcurrency)}`
    case 'approval':
      return `approval by ${step.approvers.join(', ')}${step.shows === null ? '' : `, shows ${shownText(step.shows)}`}`
    case 'wait':
      return step.event === null ? `wait ${duration(step.seconds! * 1000)}` : `wait for ${step.event}`
    case 'workflow':
      return `uses ${step.uses}`
    case 'system':
      return step.description ?? step.action
  }
}

const atOnce = (count: number): string => (count === 1 ? '' : `, ${count} at once`)
const listText = (value: unknown): string => (Array.isArray(value) ? `${value.length} items` : bareText(String(value)))
/** Of an object its keys: what they hold stands in the file. */
const shownText = (value: unknown): string => {
  if (typeof value === 'string') return bareText(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return Array.isArray(value) ? `${value.length} items` : Object.keys(value).join(', ')
}

const onErrorMark = (step: Step): string[] => {
  if (step.onError === 'fail') return []
  return [step.onError === 'retry' ? `retry ${step.retry.count}×` : `on error: ${step.onError}`]
}

const timeoutMark = (step: Step): string[] => {
  if (step.timeoutSeconds === null) return []
  const then = step.type === 'approval' ? `, then ${step.onTimeout}` : ''
  return [`at most ${duration(step.timeoutSeconds * 1000)}${then}`]
}

const rollbackMark = (step: Step): string[] =>
  (step.type === 'plugin' || step.type === 'ai_action') && step.rollback
    ? [line(`undone by ${step.rollback.plugin}.${step.rollback.action}`)]
    : []

export const triggerWords = (trigger: Trigger): string => {
  if (trigger.schedule !== null) return line(`schedule ${trigger.schedule}`)
  if (trigger.event === 'command.given') return line(`/ai ${trigger.fields['command'] ?? ''}`)
  const fields = Object.entries(trigger.fields).map(([name, value]) => `${name} ${value}`)
  return line([trigger.event, ...fields].join(' '))
}

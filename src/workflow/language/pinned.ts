import { createHash } from 'node:crypto'
import { JourneymanError } from '../../domain/errors.ts'
import type { Definition } from './definition.ts'
import { parseWorkflow } from './parse-workflow.ts'

/**
 * What a run pins is one text and a map of texts. A workflow that it uses stands in the map as `workflow:NAME`, and that
 * one's prompts as `workflow:NAME/REFERENCE`: flat, each used workflow once, however deep it is used. All other keys are the
 * run's own prompts and those of the agents, which every workflow of the run shares.
 */
export const usedKey = (name: string): string => `${usedPrefix}${name}`
export const usedPromptKey = (name: string, reference: string): string => `${usedKey(name)}/${reference}`
export const usedPrefix = 'workflow:'

/** A pinned definition, read again. It was checked when it was loaded; a later version reads it as it stands. */
export const parsePinned = (source: string, _prompts: Record<string, string>): Definition => {
  const { definition, problems } = parseWorkflow(source, 'the pinned definition')
  if (definition) return definition
  const [first] = problems
  throw new JourneymanError(
    'invalid_workflow',
    `The definition that the run is pinned to cannot be read, at line ${first?.line}: ${first?.message}`,
    { nextAction: 'Start the work again: a new run takes the present definition.' },
  )
}

export type PinnedUse = {
  definition: Definition
  /** Its own prompts under the references as it writes them, those that all share, and what it uses itself. */
  prompts: Record<string, string>
}

/** A workflow that a pinned one uses. Throws `invalid_workflow` where the pin does not hold it. */
export const pinnedUse = (prompts: Record<string, string>, name: string): PinnedUse => {
  const source = Object.hasOwn(prompts, usedKey(name)) ? prompts[usedKey(name)] : undefined
  if (source === undefined) {
    throw new JourneymanError(
      'invalid_workflow',
      `The run is not pinned to a workflow \`${name}\`, which a step uses.`,
      {
        nextAction: 'Start the work again: a new run takes the present definition.',
      },
    )
  }
  const prefix = usedPromptKey(name, '')
  const own = Object.entries(prompts)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]): [string, string] => [key.slice(prefix.length), text])
  const view = Object.fromEntries([...Object.entries(prompts), ...own])
  return { definition: parsePinned(source, view), prompts: view }
}

/** The same hash is the same behaviour. */
export const hashOf = (source: string, prompts: Record<string, string>): string =>
  createHash('sha256')
    .update(JSON.stringify([source, Object.entries(prompts).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest('hex')

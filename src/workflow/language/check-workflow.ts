import type { ActionSpecs } from '../actions/specs.ts'
import type { AgentSpec } from './agent-specs.ts'
import type { Definition, Problem } from './definition.ts'
import { parseWorkflow } from './parse-workflow.ts'

/** What is there in this house for a workflow to name. */
export type CheckContext = {
  actions: ActionSpecs
  agents: Readonly<Record<string, AgentSpec>>
  /** Categories that have a plugin. */
  configuredPlugins: readonly string[]
  /** The text of a prompt, or null when there is none under that name. */
  readPrompt: (reference: string) => string | null
  /** Names of workflows that a `workflow` step may use; without it they are not looked at. */
  workflows?: readonly string[]
}

/**
 * Everything that can be known to be wrong without running anything. `definition` is null when there is an error; a
 * warning leaves it.
 */
export const checkWorkflow = (
  text: string,
  file: string,
  _context: CheckContext,
): { definition: Definition | null; problems: Problem[] } => {
  const { definition, problems } = parseWorkflow(text, file)
  return { definition, problems }
}

import type { ActionSpecs } from '../actions/specs.ts'
import type { AgentSpec } from './agent-specs.ts'
import type { Shelf } from './used-workflows.ts'

/** What is there in this house for a workflow to name. */
export type CheckContext = {
  actions: ActionSpecs
  agents: Readonly<Record<string, AgentSpec>>
  /** Categories that have a plugin. */
  configuredPlugins: readonly string[]
  /** The text of a prompt, or null when there is none under that name. */
  readPrompt: (reference: string) => string | null
  /** What a `workflow` step may use; without it they are not looked at. */
  workflows?: Shelf
}

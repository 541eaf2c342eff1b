import type { ActionSpec } from './action-spec.ts'
import { aiProviderSpecs } from './specs-ai-provider.ts'
import { communicationSpecs } from './specs-communication.ts'
import { documentationSpecs } from './specs-documentation.ts'
import { systemSpecs } from './specs-system.ts'
import { taskManagementSpecs } from './specs-task-management.ts'
import { versionControlSpecs } from './specs-version-control.ts'

export type { ActionSpec } from './action-spec.ts'

/** Category -> action -> what it takes and gives. The checker, the editor's schema and the documentation come from here. */
export type ActionSpecs = Readonly<Record<string, Readonly<Record<string, ActionSpec>>>>

/** What a plugin can be asked for. Which of them this version runs is the engine's to say. */
export const actionSpecs: ActionSpecs = {
  task_management: taskManagementSpecs,
  version_control: versionControlSpecs,
  documentation: documentationSpecs,
  communication: communicationSpecs,
  ai_provider: aiProviderSpecs,
}

/** What `type: system` can be asked for. */
export const systemActionSpecs: Readonly<Record<string, ActionSpec>> = systemSpecs

export const findActionSpec = (
  category: string,
  action: string,
  specs: ActionSpecs = actionSpecs,
): ActionSpec | null => {
  const actions = Object.hasOwn(specs, category) ? specs[category] : undefined
  return actions && Object.hasOwn(actions, action) ? actions[action]! : null
}

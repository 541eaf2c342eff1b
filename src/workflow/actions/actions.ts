import type { Action } from './action.ts'
import { taskManagementActions } from './task-management.ts'
import { versionControlActions } from './version-control.ts'

/** The actions that this version has, by category and name. `specs.ts` says what each takes and gives. */
export const actions: Record<string, Record<string, Action>> = {
  task_management: taskManagementActions,
  version_control: versionControlActions,
}

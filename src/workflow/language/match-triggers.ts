import type { Event } from '../../domain/event.ts'
import type { LoadedWorkflow, Trigger } from './definition.ts'

/**
 * The workflows that an event starts, in the order in which they were given. `/ai run <name>` starts that one alone, if
 * `name` is a workflow that the command can start; otherwise what follows the command is no choice of a workflow.
 */
export const matchTriggers = (event: Event, workflows: readonly LoadedWorkflow[]): LoadedWorkflow[] => {
  const matching = workflows.filter(({ definition }) => definition.on.some((trigger) => matches(trigger, event)))
  if (event.name !== 'command.given') return matching
  const [wanted] = (event.fields['arguments'] ?? '').split(/\s/)
  const chosen = matching.filter(({ definition }) => definition.name === wanted)
  return chosen.length > 0 ? chosen : matching
}

/** A schedule is matched by the text of its own: the timer says which one is due. */
const matches = (trigger: Trigger, event: Event): boolean =>
  trigger.event === event.name &&
  (trigger.schedule === null || trigger.schedule === event.fields['schedule']) &&
  Object.entries(trigger.fields).every(([field, value]) => hasValue(event, field, value))

/** `to` is the service's own name or a standard status, which comes beside it as `to_status`. Case does not matter. */
const hasValue = (event: Event, field: string, value: string): boolean =>
  [field, `${field}_status`].some((name) => event.fields[name]?.toLowerCase() === value.toLowerCase())

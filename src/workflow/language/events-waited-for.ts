import type { EventName } from '../../domain/event.ts'
import type { Definition } from './definition.ts'
import { pinnedUse } from './pinned.ts'
import { everyStep } from './steps-within.ts'

/**
 * The events that a `wait` of the definition may take; with the pinned prompts, those of the workflows that it uses too.
 * A signal is kept for a run only where it may be waited for.
 */
export const eventsWaitedFor = (definition: Definition, prompts?: Record<string, string>): EventName[] => {
  const events = new Set<EventName>()
  const seen = new Set<string>()
  const open = [definition]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const step of everyStep(next)) {
      if (step.type === 'wait' && step.event !== null) events.add(step.event as EventName)
      if (step.type !== 'workflow' || !prompts || seen.has(step.uses)) continue
      seen.add(step.uses)
      open.push(pinnedUse(prompts, step.uses).definition)
    }
  }
  return [...events].sort()
}

import { parseCron } from '../../domain/cron.ts'
import { failureOf } from '../../domain/errors.ts'
import type { EventName } from '../../domain/event.ts'
import type { Checking } from './checking.ts'
import type { Trigger } from './definition.ts'
import { suggestion } from './nearest.ts'
import type { Path } from './yaml-source.ts'

const ofChange = ['head_sha', 'source_branch', 'target_branch']

/** What each event brings for a trigger to match on. */
const eventFields: Readonly<Record<EventName, readonly string[]>> = {
  'issue.labeled': ['label'],
  'issue.opened': [],
  'issue.assigned': ['assignee'],
  'task.transitioned': ['to', 'from', 'project'],
  'task.assigned': ['assignee', 'project'],
  'task.labeled': ['label', 'project'],
  'change.labeled': ['label', ...ofChange],
  'change.commented': [],
  'change.reviewed': ['state', ...ofChange],
  'change.merged': ofChange,
  'change.closed': ofChange,
  'checks.failed': ['conclusion', 'source_branch'],
  'checks.completed': ['conclusion', 'source_branch'],
  'command.given': ['command', 'arguments'],
  'message.mentioned': ['channel'],
  'schedule.due': [],
  'api.requested': [],
}

/** A trigger that asks for what its event never brings would never start anything. */
export const checkTriggers = (checking: Checking): void => {
  for (const trigger of checking.definition.on) {
    const path = checking.pathOf(trigger)
    checkSchedule(trigger, [...path, 'schedule'], checking)
    const known = eventFields[trigger.event as EventName] ?? []
    for (const field of Object.keys(trigger.fields)) {
      if (known.includes(field)) continue
      const brings = known.length === 0 ? ' It brings nothing to match on.' : ` It brings ${known.join(', ')}.`
      const message = `\`${trigger.event}\` brings no \`${field}\`.${suggestion(field, known) || brings}`
      checking.reportKey(path, field, message)
    }
  }
}

const checkSchedule = ({ schedule }: Trigger, path: Path, checking: Checking): void => {
  if (schedule === null) return
  try {
    parseCron(schedule)
  } catch (error) {
    const { message, nextAction } = failureOf(error)
    checking.report(path, [message, nextAction].filter(Boolean).join(' '))
  }
}

import type { Definition } from './definition.ts'

/** The names that the system supplies. `task` and `task_id` where a run is about a ticket, `change` where it is about one. */
export const systemNames = ['run', 'now', 'actor', 'event', 'repository', 'config', 'steps'] as const

/** What is known of their members; a name that is not here may have any. */
export const membersOf: Readonly<Record<string, readonly string[]>> = {
  run: ['id', 'url', 'workflow'],
  actor: ['login', 'id', 'isBot'],
  loop: ['index', 'index0', 'first', 'last', 'length'],
  task: [
    'id',
    'key',
    'title',
    'description',
    'type',
    'status',
    'priority',
    'assignee',
    'reporter',
    'labels',
    'acceptance_criteria',
    'epic',
    'project',
    'repository_url',
    'team_channel',
    'custom_fields',
    'url',
    'created_at',
    'updated_at',
  ],
  change: [
    'number',
    'url',
    'title',
    'description',
    'state',
    'draft',
    'source_branch',
    'target_branch',
    'head_sha',
    'repository',
  ],
}

/**
 * What a run is about follows from what starts it. A command, a message, a schedule and a request may be about either, and
 * a workflow without triggers is used by others.
 */
export const subjectNames = ({ on }: Pick<Definition, 'on'>): string[] => {
  const onlyFrom = (pattern: RegExp): boolean => on.length > 0 && on.every(({ event }) => pattern.test(event))
  const task = onlyFrom(/^(change|checks)\./) ? [] : ['task', 'task_id']
  return onlyFrom(/^(issue|task)\./) ? task : [...task, 'change']
}

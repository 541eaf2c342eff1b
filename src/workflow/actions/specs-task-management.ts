import { z } from 'zod'
import { taskStatuses } from '../../domain/task.ts'
import { type ActionSpec, defineAction, key, optional, someText, text, texts } from './action-spec.ts'

const define = (action: string, spec: Parameters<typeof defineAction>[2]): ActionSpec =>
  defineAction('task_management', action, spec)

const status = z.enum(taskStatuses)

export const taskManagementSpecs: Record<string, ActionSpec> = {
  get_task: define('get_task', {
    description: 'Reads a ticket.',
    inputs: { task_id: key },
    outputs: ['task'],
  }),
  create_task: define('create_task', {
    description: 'Creates a ticket.',
    inputs: {
      project: someText,
      title: someText,
      description: optional(text),
      type: optional(text),
      epic: optional(key),
      labels: optional(texts),
      acceptance_criteria: optional(texts),
    },
    outputs: ['task_id', 'task'],
    inverse: { action: 'delete_task', inputs: { task_id: '${result.task_id}' } },
  }),
  create_epic: define('create_epic', {
    description: 'Creates an epic.',
    inputs: { project: someText, title: someText, description: optional(text) },
    outputs: ['epic_id'],
    inverse: { action: 'delete_task', inputs: { task_id: '${result.epic_id}' } },
  }),
  update_task_status: define('update_task_status', {
    description: 'Sets the standard status of a ticket, with a comment where one is given.',
    inputs: { task_id: key, status, comment: optional(text) },
    outputs: ['task'],
  }),
  add_comment: define('add_comment', {
    description: 'Comments on a ticket.',
    inputs: { task_id: key, comment: someText },
    outputs: ['comment_id'],
  }),
  get_project_tasks: define('get_project_tasks', {
    description: 'Lists the tickets of a project.',
    inputs: { project: someText, status: optional(status) },
    outputs: ['tasks'],
  }),
  create_project: define('create_project', {
    description: 'Creates a project in the tracker.',
    inputs: { name: someText, key: optional(text), description: optional(text) },
    outputs: ['project'],
  }),
  delete_task: define('delete_task', {
    description: 'Takes a ticket back: where a tracker deletes none (GitHub), it is closed as not planned.',
    inputs: { task_id: key },
  }),
  link_change: define('link_change', {
    description: 'Links a pull request to a ticket.',
    inputs: { task_id: key, url: someText, title: optional(text) },
  }),
  log_time: define('log_time', {
    description: 'Notes time that was spent on a ticket.',
    inputs: { task_id: key, minutes: z.number().positive(), comment: optional(text) },
  }),
}

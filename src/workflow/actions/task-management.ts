import { createHash } from 'node:crypto'
import { JourneymanError } from '../../domain/errors.ts'
import type { TaskStatus } from '../../domain/task.ts'
import type { Execution } from '../engine/execution.ts'
import type { Action } from './action.ts'
import { refuseSecrets } from './refuse-secrets.ts'
import { setTaskStatus } from './set-task-status.ts'

const refOf = (execution: Execution, key: unknown) => ({
  repository: execution.run.repository,
  installation: execution.run.installation,
  key: String(key),
})

const getTask: Action = async (inputs, { execution }) => ({
  task: await execution.parts.taskManagement.getTask(refOf(execution, inputs['task_id'])),
})

const updateTaskStatus: Action = async (inputs, context) => {
  const { execution, address } = context
  const key = String(inputs['task_id'])
  const task = await setTaskStatus(execution, `status:${address}`, inputs['status'] as TaskStatus, key)
  if (typeof inputs['comment'] === 'string') await comment(context, key, inputs['comment'])
  return { task }
}

const addComment: Action = async (inputs, context) => ({
  comment_id: await comment(context, String(inputs['task_id']), String(inputs['comment'])),
})

/** Found again, after a crash, by the hidden marker in what it says. */
const createTask: Action = async (inputs, { execution, address }) => {
  const { run, parts, guard } = execution
  const title = String(inputs['title'])
  const marker = markerOf(run.id, address)
  const description = [inputs['description'], criteriaOf(inputs['acceptance_criteria']), marker]
  const body = description.filter((part) => typeof part === 'string' && part !== '').join('\n\n')
  refuseSecrets(execution, { title, body })
  const labels = [...((inputs['labels'] as string[] | null | undefined) ?? [])]
  if (typeof inputs['type'] === 'string') labels.push(inputs['type'])
  const place = { repository: projectOf(execution, inputs['project']), installation: run.installation }
  const found = async (): Promise<{ key: string } | null> => {
    const task = (await parts.taskManagement.listTasks(place)).find((one) => one.description.includes(marker))
    return task ? { key: task.key } : null
  }
  const { key } = await parts.effects.once(guard, {
    key: `task:${address}`,
    kind: 'task',
    target: `${place.repository}: ${title}`,
    request: { title, labels },
    find: found,
    send: () =>
      parts.taskManagement.createTask(place, { title, description: body, labels }).then((task) => ({ key: task.key })),
  })
  return { task_id: key, task: await parts.taskManagement.getTask({ ...place, key }) }
}

/** Where a tracker has no way to delete, the ticket is cancelled, and says why. */
const deleteTask: Action = async (inputs, { execution, address }) => {
  await setTaskStatus(execution, `status:${address}`, 'cancelled', String(inputs['task_id']))
  return {}
}

/** On a code host's own tracker a project is a repository; this run acts in its own. */
const projectOf = ({ run }: Execution, project: unknown): string => {
  const name = String(project)
  if (name.toLowerCase() === run.repository.toLowerCase() || !name.includes('/')) return run.repository
  throw new JourneymanError('forbidden', `A run of ${run.repository} creates no ticket in ${name}.`, {
    nextAction: `Give ${run.repository} as the project.`,
  })
}

const criteriaOf = (criteria: unknown): string | null =>
  Array.isArray(criteria) && criteria.length > 0
    ? `## Acceptance criteria\n\n${criteria.map((one) => `- [ ] ${String(one)}`).join('\n')}`
    : null

const getProjectTasks: Action = async (inputs, { execution }) => ({
  tasks: await execution.parts.taskManagement.listTasks(execution.run, inputs['status'] as TaskStatus | undefined),
})

/** A comment is found again by a hidden marker that says which step of which run wrote it. */
const comment = async (context: Parameters<Action>[1], key: string, text: string): Promise<string> => {
  const { execution, address } = context
  const { run, parts, guard } = execution
  const ref = refOf(execution, key)
  const marker = markerOf(run.id, address)
  refuseSecrets(execution, { comment: text })
  const written = await parts.effects.once(guard, {
    key: `comment:${address}`,
    kind: 'comment',
    target: `${run.repository}#${key}`,
    request: { bytes: Buffer.byteLength(text) },
    find: () => parts.taskManagement.findComment(ref, marker).then((found) => (found ? { id: found.id } : null)),
    send: () => parts.taskManagement.addComment(ref, `${text}\n\n${marker}`).then(({ id }) => ({ id })),
    remove: ({ id }) => parts.taskManagement.deleteComment(ref, id),
  })
  return written.id
}

const markerOf = (runId: string, address: string): string =>
  `<!-- journeyman:${runId}:${createHash('sha256').update(address).digest('hex').slice(0, 12)} -->`

export const taskManagementActions: Record<string, Action> = {
  get_task: getTask,
  update_task_status: updateTaskStatus,
  add_comment: addComment,
  create_task: createTask,
  delete_task: deleteTask,
  get_project_tasks: getProjectTasks,
}

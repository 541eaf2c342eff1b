import { createHash } from 'node:crypto'
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
  get_project_tasks: getProjectTasks,
}

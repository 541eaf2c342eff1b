import type { Task, TaskStatus } from '../../domain/task.ts'
import type { Execution } from '../engine/execution.ts'

/** Sets the status of the run's ticket, as an effect. null when the run is about no ticket. */
export const setTaskStatus = async (
  execution: Execution,
  key: string,
  status: TaskStatus,
  taskKey?: string,
): Promise<Task | null> => {
  const { run, parts, guard } = execution
  const number = taskKey ?? execution.facts.task?.key
  if (number === undefined) return null
  const ref = { repository: run.repository, installation: run.installation, key: number }
  await parts.effects.set(guard, {
    key,
    kind: 'status',
    target: `${run.repository}#${number}`,
    request: { status },
    send: () => parts.taskManagement.setStatus(ref, status).then(() => ({ status })),
  })
  return parts.taskManagement.getTask(ref)
}

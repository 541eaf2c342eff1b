import type { TaskStatus } from '../../../domain/task.ts'

/** Somebody asks for work. It goes when the work is taken over, so that adding it again asks again. */
export const triggerLabel = 'ai'

/** A failed try is a mark and no status: the task is to be done as before. */
export const failedLabel = 'ai:failed'

const labelByStatus: Partial<Record<TaskStatus, string>> = {
  in_progress: 'ai:working',
  in_review: 'ai:review',
  blocked: 'ai:blocked',
}

const statusLabels = [...Object.values(labelByStatus), failedLabel]

/**
 * The standard status of an issue. Closed is closed. A request that is still open wins over what an earlier run left
 * behind, so that neither a failure nor a finished run stands in the way of the next.
 */
export const statusOf = (issue: { state: string; stateReason: string | null; labels: string[] }): TaskStatus => {
  if (issue.state === 'closed') return issue.stateReason === 'not_planned' ? 'cancelled' : 'done'
  if (issue.labels.includes(triggerLabel)) return 'todo'
  const [status] = Object.entries(labelByStatus).find(([, label]) => issue.labels.includes(label)) ?? []
  return (status as TaskStatus | undefined) ?? 'todo'
}

/** What has to change on the issue's labels so that they say this status. */
export const labelsFor = (status: TaskStatus, present: string[]): { add: string[]; remove: string[] } => {
  const wanted = labelByStatus[status]
  // Back to `todo` keeps a request that came in the meantime; everything else has taken it over.
  const stale = status === 'todo' ? statusLabels : [...statusLabels, triggerLabel]
  return {
    add: wanted === undefined || present.includes(wanted) ? [] : [wanted],
    remove: stale.filter((label) => label !== wanted && present.includes(label)),
  }
}

export const taskStatuses = ['todo', 'in_progress', 'in_review', 'done', 'blocked', 'cancelled'] as const
export type TaskStatus = (typeof taskStatuses)[number]

/** A ticket in standard form, wherever it lives. The field names are those that workflows use. */
export type Task = {
  id: string
  key: string
  title: string
  description: string
  type: string
  status: TaskStatus
  priority: string | null
  assignee: string | null
  reporter: string | null
  /** The service's own number of that person, by which permissions are looked up: a name can be taken over. */
  reporter_id: string | null
  labels: string[]
  acceptance_criteria: string[]
  epic: string | null
  project: string
  repository_url: string | null
  team_channel: string | null
  custom_fields: Record<string, unknown>
  url: string
  created_at: string
  updated_at: string
}

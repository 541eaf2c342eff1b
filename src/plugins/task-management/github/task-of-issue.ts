import type { Task } from '../../../domain/task.ts'
import { acceptanceCriteria } from './acceptance-criteria.ts'
import type { Issue } from './schema.ts'
import { statusOf } from './status-labels.ts'

/** An issue in standard form. */
export const taskOfIssue = (issue: Issue, repository: string, siteUrl: string): Task => {
  const labels = labelNames(issue.labels)
  const description = issue.body ?? ''
  return {
    id: String(issue.number),
    key: String(issue.number),
    title: issue.title,
    description,
    type: typeOf(issue, labels),
    status: statusOf({ state: issue.state, stateReason: issue.state_reason ?? null, labels }),
    priority: afterPrefix(labels, 'priority'),
    assignee: issue.assignee?.login ?? null,
    reporter: issue.user?.login ?? null,
    reporter_id: issue.user ? String(issue.user.id) : null,
    labels,
    acceptance_criteria: acceptanceCriteria(description),
    epic: null,
    project: repository,
    repository_url: `${siteUrl}/${repository}`,
    team_channel: null,
    custom_fields: issue.milestone ? { milestone: issue.milestone.title } : {},
    url: issue.html_url,
    created_at: issue.created_at,
    updated_at: issue.updated_at,
  }
}

export const labelNames = (labels: Issue['labels']): string[] =>
  labels.flatMap((label) => (typeof label === 'string' ? [label] : (label.name ?? [])))

const typesByLabel: Record<string, string> = {
  bug: 'bug',
  enhancement: 'feature',
  feature: 'feature',
  documentation: 'documentation',
  epic: 'epic',
}

/** The organisation's issue type, a `type:` label, or one of the labels that GitHub gives every repository. */
const typeOf = (issue: Issue, labels: string[]): string => {
  const own = issue.type?.name?.toLowerCase() ?? afterPrefix(labels, 'type')
  if (own !== null) return own
  const known = labels.map((label) => label.toLowerCase()).find((label) => Object.hasOwn(typesByLabel, label))
  return known === undefined ? 'task' : (typesByLabel[known] as string)
}

/** `priority:high` and `Priority: High` are both `high`. */
const afterPrefix = (labels: string[], prefix: string): string | null => {
  const label = labels.map((name) => name.toLowerCase()).find((name) => name.startsWith(`${prefix}:`))
  return label?.slice(prefix.length + 1).trim() || null
}

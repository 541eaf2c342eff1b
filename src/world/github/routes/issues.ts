import { type Answer, created, ok, validationFailed } from '../answer.ts'
import { addIssue, addLabels, maxTitleCharacters, setIssueState } from '../edit-issue.ts'
import { paginate } from '../paginate.ts'
import { renderIssue } from '../render/issue.ts'
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts'
import type { IssueState } from '../state.ts'
import { tooLong, withIssue } from './with-issue.ts'

export const issueRoutes: Route[] = [
  repositoryRoute('GET /issues', 'issues:read', (call) =>
    paginate(call, listed(call), (issue) => renderIssue(call.state, call.repository, issue)),
  ),
  repositoryRoute('POST /issues', 'issues:write', (call) => create(call)),
  repositoryRoute('GET /issues/{issue_number}', 'issues:read|pull_requests:read', (call) =>
    withIssue(call, (issue) => ok(renderIssue(call.state, call.repository, issue))),
  ),
  repositoryRoute('PATCH /issues/{issue_number}', 'issues:write|pull_requests:write', (call) =>
    withIssue(call, (issue) => update(call, issue)),
  ),
]

const create = (call: RepositoryCall): Answer => {
  const title = String(call.body['title'] ?? '')
  const problem = titleProblem(title) ?? tooLong('Issue', call.body['body'])
  if (problem !== null) return problem
  const issue = addIssue(call.state, call.repository, {
    title,
    body: (call.body['body'] as string | null | undefined) ?? null,
    author: call.state.app.bot,
    viaApp: true,
    labels: labelNames(call.body['labels']),
  })
  return created(renderIssue(call.state, call.repository, issue))
}

const update = (call: RepositoryCall, issue: IssueState): Answer => {
  const { title, body, state, state_reason: reason, labels } = call.body
  const problem = (title === undefined ? null : titleProblem(String(title ?? ''))) ?? tooLong('Issue', body)
  if (problem !== null) return problem
  if (title !== undefined) issue.title = String(title)
  if (body !== undefined) issue.body = body as string | null
  if (state !== undefined) {
    setIssueState(issue, state as 'open' | 'closed', (reason as IssueState['stateReason'] | undefined) ?? null)
  }
  if (labels !== undefined) {
    issue.labels = []
    addLabels(call.state, call.repository, issue, labelNames(labels))
  }
  issue.updatedAt = new Date()
  return ok(renderIssue(call.state, call.repository, issue))
}

const titleProblem = (title: string): Answer | null => {
  if (title.trim() === '') return validationFailed({ resource: 'Issue', code: 'missing_field', field: 'title' })
  if ([...title].length <= maxTitleCharacters) return null
  const message = `title is too long (maximum is ${maxTitleCharacters} characters)`
  return validationFailed({ resource: 'Issue', code: 'custom', field: 'title', message })
}

/** A label is named, or given as an object with its name. */
export const labelNames = (labels: unknown): string[] =>
  Array.isArray(labels)
    ? labels.map((label) => (typeof label === 'string' ? label : String((label as { name?: unknown }).name ?? '')))
    : []

const listed = (call: RepositoryCall): IssueState[] => {
  const wanted = call.query.get('state') ?? 'open'
  const labels = (call.query.get('labels') ?? '').split(',').filter((label) => label !== '')
  const creator = call.query.get('creator')?.toLowerCase()
  const since = call.query.get('since')
  const has = (issue: IssueState, label: string): boolean =>
    issue.labels.some((each) => each.toLowerCase() === label.toLowerCase())
  const found = [...call.repository.issues.values()].filter(
    (issue) =>
      (wanted === 'all' || issue.state === wanted) &&
      labels.every((label) => has(issue, label)) &&
      (creator === undefined || issue.author.login.toLowerCase() === creator) &&
      (since === null || issue.updatedAt >= new Date(since)),
  )
  return sorted(call, found)
}

const sorted = (call: RepositoryCall, issues: IssueState[]): IssueState[] => {
  const by = call.query.get('sort') === 'updated' ? 'updatedAt' : 'createdAt'
  const sign = call.query.get('direction') === 'asc' ? 1 : -1
  return issues.sort((a, b) => sign * (a[by].getTime() - b[by].getTime() || a.number - b.number))
}

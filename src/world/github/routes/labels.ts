import { type Answer, created, noContent, notFound, ok, validationFailed } from '../answer.ts'
import { addLabels, removeLabel } from '../edit-issue.ts'
import { paginate } from '../paginate.ts'
import { renderLabel, renderLabels } from '../render/issue.ts'
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts'
import type { IssueState } from '../state.ts'
import { labelNames } from './issues.ts'
import { withIssue } from './with-issue.ts'

const write = 'issues:write|pull_requests:write'
const read = 'issues:read|pull_requests:read'

export const labelRoutes: Route[] = [
  repositoryRoute('GET /issues/{issue_number}/labels', read, (call) =>
    withIssue(call, (issue) =>
      paginate(call, renderLabels(call.state, call.repository, issue.labels), (label) => label),
    ),
  ),
  repositoryRoute('POST /issues/{issue_number}/labels', write, (call) =>
    withIssue(call, (issue) => {
      addLabels(call.state, call.repository, issue, sent(call))
      return labelsOf(call, issue)
    }),
  ),
  repositoryRoute('PUT /issues/{issue_number}/labels', write, (call) =>
    withIssue(call, (issue) => {
      issue.labels = []
      addLabels(call.state, call.repository, issue, sent(call))
      return labelsOf(call, issue)
    }),
  ),
  repositoryRoute('DELETE /issues/{issue_number}/labels', write, (call) =>
    withIssue(call, (issue) => {
      issue.labels = []
      issue.updatedAt = new Date()
      return noContent()
    }),
  ),
  repositoryRoute('DELETE /issues/{issue_number}/labels/{name}', write, (call) =>
    withIssue(call, (issue) =>
      removeLabel(issue, call.parameters['name'] ?? '') ? labelsOf(call, issue) : labelMissing(),
    ),
  ),
  repositoryRoute('GET /labels', 'issues:read', (call) =>
    paginate(call, [...call.repository.labels.values()], (label) => renderLabel(call.state, call.repository, label)),
  ),
  repositoryRoute('GET /labels/{name}', 'issues:read', (call) => {
    const label = call.repository.labels.get((call.parameters['name'] ?? '').toLowerCase())
    return label ? ok(renderLabel(call.state, call.repository, label)) : notFound()
  }),
  repositoryRoute('POST /labels', 'issues:write', (call) => {
    const name = String(call.body['name'])
    if (call.repository.labels.has(name.toLowerCase()))
      return validationFailed({ resource: 'Label', code: 'already_exists', field: 'name' })
    const label = {
      id: call.state.nextId(),
      name,
      color: String(call.body['color'] ?? 'ededed'),
      description: (call.body['description'] as string | undefined) ?? null,
    }
    call.repository.labels.set(name.toLowerCase(), label)
    return created(renderLabel(call.state, call.repository, label))
  }),
]

/** Either a bare list or `{ labels: [...] }`. */
const sent = (call: RepositoryCall): string[] =>
  labelNames(Array.isArray(call.rawBody) ? call.rawBody : call.body['labels'])

const labelsOf = (call: RepositoryCall, issue: IssueState): Answer =>
  ok(renderLabels(call.state, call.repository, issue.labels))

const labelMissing = (): Answer => ({
  status: 404,
  body: { message: 'Label does not exist', documentation_url: 'https://docs.github.com/rest', status: '404' },
})

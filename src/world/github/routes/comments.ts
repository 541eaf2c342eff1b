import { type Answer, created, noContent, ok, refused } from '../answer.ts'
import { addComment } from '../edit-issue.ts'
import { paginate } from '../paginate.ts'
import { renderComment } from '../render/issue.ts'
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts'
import type { CommentState, IssueState } from '../state.ts'
import { tooLong, withComment, withIssue } from './with-issue.ts'

const write = 'issues:write|pull_requests:write'
const read = 'issues:read|pull_requests:read'

export const commentRoutes: Route[] = [
  // GitHub lists the comments of an issue oldest first, and takes no other order here.
  repositoryRoute('GET /issues/{issue_number}/comments', read, (call) =>
    withIssue(call, (issue) =>
      paginate(call, commentsOf(call, issue), (comment) => renderComment(call.state, call.repository, comment)),
    ),
  ),
  repositoryRoute('POST /issues/{issue_number}/comments', write, (call) =>
    withIssue(call, (issue) => create(call, issue)),
  ),
  repositoryRoute('GET /issues/comments/{comment_id}', read, (call) =>
    withComment(call, (comment) => ok(renderComment(call.state, call.repository, comment))),
  ),
  repositoryRoute('PATCH /issues/comments/{comment_id}', write, (call) =>
    withComment(call, (comment) => update(call, comment)),
  ),
  repositoryRoute('DELETE /issues/comments/{comment_id}', write, (call) =>
    withComment(call, (comment) => {
      call.repository.comments.delete(comment.id)
      return noContent()
    }),
  ),
]

const create = (call: RepositoryCall, issue: IssueState): Answer => {
  const body = String(call.body['body'])
  const problem = blank(body) ?? tooLong('IssueComment', body)
  if (problem !== null) return problem
  const author = call.state.app.bot
  const comment = addComment(call.state, call.repository, { issueNumber: issue.number, body, author, viaApp: true })
  issue.updatedAt = comment.createdAt
  return created(renderComment(call.state, call.repository, comment))
}

const update = (call: RepositoryCall, comment: CommentState): Answer => {
  const body = String(call.body['body'])
  const problem = blank(body) ?? tooLong('IssueComment', body)
  if (problem !== null) return problem
  comment.body = body
  comment.history.push(body)
  comment.updatedAt = new Date()
  return ok(renderComment(call.state, call.repository, comment))
}

const blank = (body: string): Answer | null =>
  body.trim() === '' ? refused(422, 'Validation Failed: body cannot be blank') : null

const commentsOf = (call: RepositoryCall, issue: IssueState): CommentState[] => {
  const since = call.query.get('since')
  return [...call.repository.comments.values()].filter(
    (comment) => comment.issueNumber === issue.number && (since === null || comment.updatedAt >= new Date(since)),
  )
}

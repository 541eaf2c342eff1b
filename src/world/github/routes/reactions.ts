import { type Answer, noContent, notFound } from '../answer.ts'
import { addReaction } from '../edit-issue.ts'
import { paginate } from '../paginate.ts'
import { renderReaction } from '../render/issue.ts'
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts'
import type { ReactionState } from '../state.ts'
import { withComment, withIssue } from './with-issue.ts'

const write = 'issues:write|pull_requests:write'
const read = 'issues:read|pull_requests:read'

export const reactionRoutes: Route[] = [
  repositoryRoute('GET /issues/{issue_number}/reactions', read, (call) =>
    withIssue(call, (issue) => list(call, issue.reactions)),
  ),
  repositoryRoute('POST /issues/{issue_number}/reactions', write, (call) =>
    withIssue(call, (issue) => react(call, issue.reactions)),
  ),
  repositoryRoute('DELETE /issues/{issue_number}/reactions/{reaction_id}', write, (call) =>
    withIssue(call, (issue) => take(call, issue.reactions)),
  ),
  repositoryRoute('GET /issues/comments/{comment_id}/reactions', read, (call) =>
    withComment(call, (comment) => list(call, comment.reactions)),
  ),
  repositoryRoute('POST /issues/comments/{comment_id}/reactions', write, (call) =>
    withComment(call, (comment) => react(call, comment.reactions)),
  ),
  repositoryRoute('DELETE /issues/comments/{comment_id}/reactions/{reaction_id}', write, (call) =>
    withComment(call, (comment) => take(call, comment.reactions)),
  ),
]

const list = (call: RepositoryCall, reactions: ReactionState[]): Answer => {
  const content = call.query.get('content')
  const found = reactions.filter((reaction) => content === null || reaction.content === content)
  return paginate(call, found, (reaction) => renderReaction(call.state, reaction))
}

/** 201 when it is new, 200 when it was there. */
const react = (call: RepositoryCall, reactions: ReactionState[]): Answer => {
  const { reaction, isNew } = addReaction(call.state, reactions, call.state.app.bot, String(call.body['content']))
  return { status: isNew ? 201 : 200, body: renderReaction(call.state, reaction) }
}

const take = (call: RepositoryCall, reactions: ReactionState[]): Answer => {
  const at = reactions.findIndex((reaction) => reaction.id === Number(call.parameters['reaction_id']))
  if (at < 0) return notFound()
  reactions.splice(at, 1)
  return noContent()
}

import type { WorldUser } from '../../contract.ts'
import type { CommentState, GitHubState, IssueState, LabelState, ReactionState, RepositoryState } from '../state.ts'
import { renderApp } from './app.ts'
import { repositoryPage, repositoryUrl } from './repository.ts'
import { nodeId, renderTime } from './text.ts'
import { renderUser } from './user.ts'

export const renderLabel = (state: GitHubState, repository: RepositoryState, label: LabelState) => ({
  id: label.id,
  node_id: nodeId('LA', label.id),
  url: `${repositoryUrl(state, repository)}/labels/${encodeURIComponent(label.name)}`,
  name: label.name,
  color: label.color,
  default: false,
  description: label.description,
})

/** The labels of an issue in full. */
export const renderLabels = (state: GitHubState, repository: RepositoryState, names: string[]) =>
  names.map((name) => renderLabel(state, repository, labelNamed(repository, name)))

export const renderIssue = (state: GitHubState, repository: RepositoryState, issue: IssueState) => {
  const url = `${repositoryUrl(state, repository)}/issues/${issue.number}`
  return {
    id: issue.id,
    node_id: nodeId('I', issue.id),
    url,
    repository_url: repositoryUrl(state, repository),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    timeline_url: `${url}/timeline`,
    html_url: issuePage(state, repository, issue.number),
    number: issue.number,
    state: issue.state,
    state_reason: issue.stateReason,
    title: issue.title,
    body: issue.body,
    user: renderUser(state, issue.author),
    labels: renderLabels(state, repository, issue.labels),
    assignee: issue.assignees[0] ? renderUser(state, issue.assignees[0]) : null,
    assignees: issue.assignees.map((user) => renderUser(state, user)),
    milestone: null,
    locked: false,
    active_lock_reason: null,
    comments: [...repository.comments.values()].filter((each) => each.issueNumber === issue.number).length,
    closed_at: issue.closedAt && renderTime(issue.closedAt),
    created_at: renderTime(issue.createdAt),
    updated_at: renderTime(issue.updatedAt),
    author_association: association(repository, issue.author),
    reactions: renderRollup(url, issue.reactions),
    performed_via_github_app: issue.viaApp ? renderApp(state) : null,
    ...pullHalf(state, repository, issue.number),
  }
}

export const renderComment = (state: GitHubState, repository: RepositoryState, comment: CommentState) => {
  const url = `${repositoryUrl(state, repository)}/issues/comments/${comment.id}`
  return {
    id: comment.id,
    node_id: nodeId('IC', comment.id),
    url,
    html_url: commentPage(state, repository, comment),
    issue_url: `${repositoryUrl(state, repository)}/issues/${comment.issueNumber}`,
    user: renderUser(state, comment.author),
    body: comment.body,
    created_at: renderTime(comment.createdAt),
    updated_at: renderTime(comment.updatedAt),
    author_association: association(repository, comment.author),
    reactions: renderRollup(url, comment.reactions),
    performed_via_github_app: comment.viaApp ? renderApp(state) : null,
  }
}

export const renderReaction = (state: GitHubState, reaction: ReactionState) => ({
  id: reaction.id,
  node_id: nodeId('REA', reaction.id),
  user: renderUser(state, reaction.user),
  content: reaction.content,
  created_at: renderTime(reaction.createdAt),
})

export const issuePage = (state: GitHubState, repository: RepositoryState, number: number): string =>
  `${repositoryPage(state, repository)}/${repository.pulls.has(number) ? 'pull' : 'issues'}/${number}`

export const commentPage = (state: GitHubState, repository: RepositoryState, comment: CommentState): string =>
  `${issuePage(state, repository, comment.issueNumber)}#issuecomment-${comment.id}`

export const association = (repository: RepositoryState, user: WorldUser): string => {
  if (user.id === repository.owner.id) return 'OWNER'
  const permission = repository.permissions.get(user.login.toLowerCase()) ?? 'none'
  return permission === 'none' ? 'NONE' : 'COLLABORATOR'
}

const labelNamed = (repository: RepositoryState, name: string): LabelState =>
  repository.labels.get(name.toLowerCase()) ?? { id: 0, name, color: 'ededed', description: null }

const reactionNames = ['+1', '-1', 'laugh', 'hooray', 'confused', 'heart', 'rocket', 'eyes']

const renderRollup = (url: string, reactions: ReactionState[]) => ({
  url: `${url}/reactions`,
  total_count: reactions.length,
  ...Object.fromEntries(
    reactionNames.map((name) => [name, reactions.filter((reaction) => reaction.content === name).length]),
  ),
})

const pullHalf = (state: GitHubState, repository: RepositoryState, number: number) => {
  const pull = repository.pulls.get(number)
  if (pull === undefined) return {}
  const page = issuePage(state, repository, number)
  return {
    draft: pull.draft,
    pull_request: {
      url: `${repositoryUrl(state, repository)}/pulls/${number}`,
      html_url: page,
      diff_url: `${page}.diff`,
      patch_url: `${page}.patch`,
      merged_at: pull.mergedAt && renderTime(pull.mergedAt),
    },
  }
}

import type { GitHubState, IssueState, PullState, RepositoryState } from '../state.ts'
import { association, issuePage, renderLabels } from './issue.ts'
import { renderRepository, repositoryUrl } from './repository.ts'
import { nodeId, renderTime } from './text.ts'
import { renderUser } from './user.ts'

/** A pull request in a list or a webhook: what is known without asking git. */
export const renderSimplePull = (state: GitHubState, repository: RepositoryState, pull: PullState) => {
  const issue = repository.issues.get(pull.number)!
  const url = `${repositoryUrl(state, repository)}/pulls/${pull.number}`
  return {
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    number: pull.number,
    state: issue.state,
    locked: false,
    active_lock_reason: null,
    title: issue.title,
    body: issue.body,
    draft: pull.draft,
    user: renderUser(state, issue.author),
    author_association: association(repository, issue.author),
    labels: renderLabels(state, repository, issue.labels),
    assignee: issue.assignees[0] ? renderUser(state, issue.assignees[0]) : null,
    assignees: issue.assignees.map((user) => renderUser(state, user)),
    requested_reviewers: pull.requestedReviewers.map((user) => renderUser(state, user)),
    requested_teams: [],
    milestone: null,
    auto_merge: null,
    merge_commit_sha: pull.mergeCommitSha,
    head: side(state, repository, pull.head, pull.headSha),
    base: side(state, repository, pull.base, pull.baseSha),
    ...links(state, repository, url, pull.number),
    ...times(issue, pull),
  }
}

export type DiffCounts = { commits: number; additions: number; deletions: number; changedFiles: number }

/** A pull request that was asked for by itself. */
export const renderPull = (state: GitHubState, repository: RepositoryState, pull: PullState, counts: DiffCounts) => ({
  ...renderSimplePull(state, repository, pull),
  merged: pull.mergedAt !== null,
  mergeable: true,
  rebaseable: true,
  mergeable_state: pull.draft ? 'draft' : 'clean',
  merged_by: pull.mergedBy && renderUser(state, pull.mergedBy),
  maintainer_can_modify: false,
  comments: [...repository.comments.values()].filter((each) => each.issueNumber === pull.number).length,
  review_comments: 0,
  commits: counts.commits,
  additions: counts.additions,
  deletions: counts.deletions,
  changed_files: counts.changedFiles,
})

const side = (state: GitHubState, repository: RepositoryState, ref: string, sha: string) => ({
  label: `${repository.owner.login}:${ref}`,
  ref,
  sha,
  user: renderUser(state, repository.owner),
  repo: renderRepository(state, repository),
})

const times = (issue: IssueState, pull: PullState) => ({
  created_at: renderTime(issue.createdAt),
  updated_at: renderTime(issue.updatedAt),
  closed_at: issue.closedAt && renderTime(issue.closedAt),
  merged_at: pull.mergedAt && renderTime(pull.mergedAt),
})

const links = (state: GitHubState, repository: RepositoryState, url: string, number: number) => {
  const base = repositoryUrl(state, repository)
  const page = issuePage(state, repository, number)
  const addresses = {
    issue_url: `${base}/issues/${number}`,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${base}/pulls/comments{/number}`,
    comments_url: `${base}/issues/${number}/comments`,
    statuses_url: `${base}/statuses/${repository.pulls.get(number)?.headSha}`,
  }
  return {
    url,
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    ...addresses,
    _links: {
      self: { href: url },
      html: { href: page },
      issue: { href: addresses.issue_url },
      comments: { href: addresses.comments_url },
      review_comments: { href: addresses.review_comments_url },
      review_comment: { href: addresses.review_comment_url },
      commits: { href: addresses.commits_url },
      statuses: { href: addresses.statuses_url },
    },
  }
}

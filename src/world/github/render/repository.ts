import type { GitHubState, RepositoryState } from '../state.ts'
import { nodeId, renderTime } from './text.ts'
import { renderUser } from './user.ts'

export const repositoryUrl = (state: GitHubState, repository: RepositoryState): string =>
  `${state.apiUrl}/repos/${repository.fullName}`

export const repositoryPage = (state: GitHubState, repository: RepositoryState): string =>
  `${state.url}/${repository.fullName}`

/** A repository as it stands inside other things: pull requests, webhooks, lists. */
export const renderRepository = (state: GitHubState, repository: RepositoryState) => {
  const page = repositoryPage(state, repository)
  const open = [...repository.issues.values()].filter((issue) => issue.state === 'open').length
  return {
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: repository.fullName,
    owner: renderUser(state, repository.owner),
    private: repository.private,
    html_url: page,
    description: null,
    fork: false,
    ...links(repositoryUrl(state, repository)),
    git_url: `git://${new URL(state.url).host}/${repository.fullName}.git`,
    ssh_url: `git@${new URL(state.url).hostname}:${repository.fullName}.git`,
    clone_url: `${page}.git`,
    svn_url: page,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    size: 1,
    topics: [],
    visibility: repository.private ? 'private' : 'public',
    default_branch: repository.defaultBranch,
    archived: repository.archived,
    disabled: false,
    is_template: false,
    web_commit_signoff_required: false,
    allow_forking: true,
    ...counts(open),
    ...features,
    pushed_at: renderTime(repository.pushedAt),
    created_at: renderTime(repository.createdAt),
    updated_at: renderTime(repository.pushedAt),
  }
}

/** A repository that was asked for by itself. */
export const renderFullRepository = (state: GitHubState, repository: RepositoryState) => ({
  ...renderRepository(state, repository),
  permissions: { admin: false, maintain: false, push: false, triage: false, pull: false },
  temp_clone_token: '',
  network_count: 0,
  subscribers_count: 0,
})

const features = {
  has_issues: true,
  has_projects: true,
  has_wiki: false,
  has_pages: false,
  has_downloads: true,
  has_discussions: false,
}

const counts = (open: number) => ({
  forks: 0,
  forks_count: 0,
  stargazers_count: 0,
  watchers: 0,
  watchers_count: 0,
  open_issues: open,
  open_issues_count: open,
})

const links = (url: string) => ({
  url,
  archive_url: `${url}/{archive_format}{/ref}`,
  assignees_url: `${url}/assignees{/user}`,
  blobs_url: `${url}/git/blobs{/sha}`,
  branches_url: `${url}/branches{/branch}`,
  collaborators_url: `${url}/collaborators{/collaborator}`,
  comments_url: `${url}/comments{/number}`,
  commits_url: `${url}/commits{/sha}`,
  compare_url: `${url}/compare/{base}...{head}`,
  contents_url: `${url}/contents/{+path}`,
  contributors_url: `${url}/contributors`,
  deployments_url: `${url}/deployments`,
  downloads_url: `${url}/downloads`,
  events_url: `${url}/events`,
  forks_url: `${url}/forks`,
  git_commits_url: `${url}/git/commits{/sha}`,
  git_refs_url: `${url}/git/refs{/sha}`,
  git_tags_url: `${url}/git/tags{/sha}`,
  hooks_url: `${url}/hooks`,
  issue_comment_url: `${url}/issues/comments{/number}`,
  issue_events_url: `${url}/issues/events{/number}`,
  issues_url: `${url}/issues{/number}`,
  keys_url: `${url}/keys{/key_id}`,
  labels_url: `${url}/labels{/name}`,
  languages_url: `${url}/languages`,
  merges_url: `${url}/merges`,
  milestones_url: `${url}/milestones{/number}`,
  notifications_url: `${url}/notifications{?since,all,participating}`,
  pulls_url: `${url}/pulls{/number}`,
  releases_url: `${url}/releases{/id}`,
  stargazers_url: `${url}/stargazers`,
  statuses_url: `${url}/statuses/{sha}`,
  subscribers_url: `${url}/subscribers`,
  subscription_url: `${url}/subscription`,
  tags_url: `${url}/tags`,
  teams_url: `${url}/teams`,
  trees_url: `${url}/git/trees{/sha}`,
})

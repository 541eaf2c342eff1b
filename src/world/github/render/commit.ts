import type { CommitData } from '../read-commit.ts'
import type { DiffFile } from '../read-diff.ts'
import type { GitHubState, RepositoryState } from '../state.ts'
import { repositoryPage, repositoryUrl } from './repository.ts'
import { nodeId } from './text.ts'

export const renderCommit = (state: GitHubState, repository: RepositoryState, commit: CommitData) => {
  const url = `${repositoryUrl(state, repository)}/commits/${commit.sha}`
  const gitUrl = `${repositoryUrl(state, repository)}/git`
  return {
    sha: commit.sha,
    node_id: nodeId('C', commit.sha),
    url,
    html_url: commitPage(state, repository, commit.sha),
    comments_url: `${url}/comments`,
    commit: {
      url: `${gitUrl}/commits/${commit.sha}`,
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      comment_count: 0,
      tree: { sha: commit.tree, url: `${gitUrl}/trees/${commit.tree}` },
      verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
    },
    author: null,
    committer: null,
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${repositoryUrl(state, repository)}/commits/${sha}`,
      html_url: commitPage(state, repository, sha),
    })),
  }
}

export const renderDiffFile = (state: GitHubState, repository: RepositoryState, head: string, file: DiffFile) => {
  const path = file.filename.split('/').map(encodeURIComponent).join('/')
  return {
    sha: file.sha,
    filename: file.filename,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${repositoryPage(state, repository)}/blob/${head}/${path}`,
    raw_url: `${repositoryPage(state, repository)}/raw/${head}/${path}`,
    contents_url: `${repositoryUrl(state, repository)}/contents/${path}?ref=${head}`,
    ...(file.patch !== null && { patch: file.patch }),
    ...(file.previousFilename !== null && { previous_filename: file.previousFilename }),
  }
}

const commitPage = (state: GitHubState, repository: RepositoryState, sha: string): string =>
  `${repositoryPage(state, repository)}/commit/${sha}`

import type { CheckRunState, GitHubState, RepositoryState } from '../state.ts'
import { renderApp } from './app.ts'
import { repositoryPage, repositoryUrl } from './repository.ts'
import { nodeId, renderTime } from './text.ts'

export const renderCheckRun = (state: GitHubState, repository: RepositoryState, run: CheckRunState) => {
  const url = `${repositoryUrl(state, repository)}/check-runs/${run.id}`
  return {
    id: run.id,
    node_id: nodeId('CR', run.id),
    name: run.name,
    head_sha: run.headSha,
    external_id: run.externalId ?? '',
    url,
    html_url: `${repositoryPage(state, repository)}/runs/${run.id}`,
    details_url: run.detailsUrl ?? `${state.url}/apps/${state.app.slug}`,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt && renderTime(run.startedAt),
    completed_at: run.completedAt && renderTime(run.completedAt),
    output: {
      title: run.title,
      summary: run.summary,
      text: run.text,
      annotations_count: run.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: Number.parseInt(run.headSha.slice(0, 8), 16) },
    app: renderApp(state),
    pull_requests: [...repository.pulls.values()]
      .filter((pull) => pull.headSha === run.headSha)
      .map((pull) => renderMinimalPull(state, repository, pull.number)),
  }
}

const renderMinimalPull = (state: GitHubState, repository: RepositoryState, number: number) => {
  const pull = repository.pulls.get(number)!
  const url = repositoryUrl(state, repository)
  const repo = { id: repository.id, url, name: repository.name }
  return {
    id: pull.id,
    number,
    url: `${url}/pulls/${number}`,
    head: { ref: pull.head, sha: pull.headSha, repo },
    base: { ref: pull.base, sha: pull.baseSha, repo },
  }
}

import { git } from './git.ts'
import { type GitHubState, type IssueState, type PullState, type RepositoryState, repositoryOf } from './state.ts'

const pagePath = /^\/([^/]+\/[^/]+)\/(?:issues|pull)\/(\d+)$/

/** A plain page for the address of an issue or pull request, so that the links of a demonstration lead somewhere. */
export const renderPage = async (state: GitHubState, path: string): Promise<string | null> => {
  const [, name = '', number = ''] = pagePath.exec(path) ?? []
  const repository = repositoryOf(state, name)
  const issue = repository?.issues.get(Number(number))
  if (repository === undefined || issue === undefined) return null
  const pull = repository.pulls.get(issue.number)
  return page(`${issue.title} · ${repository.fullName} #${issue.number}`, [
    `<h1>${asText(issue.title)} <small>#${issue.number}</small></h1>`,
    `<p>${asText(headline(repository, issue, pull))}</p>`,
    said(issue.author.login, issue.body ?? ''),
    ...[...repository.comments.values()]
      .filter((comment) => comment.issueNumber === issue.number)
      .map((comment) => said(comment.author.login, comment.body)),
    ...(pull ? [`<h2>Changes</h2><pre>${asText(await diffOf(repository, pull))}</pre>`] : []),
  ])
}

const headline = (repository: RepositoryState, issue: IssueState, pull: PullState | undefined): string => {
  const state = pull?.mergedAt ? 'merged' : pull?.draft && issue.state === 'open' ? 'draft' : issue.state
  const branches = pull ? ` · ${pull.head} into ${pull.base}` : ''
  const labels = issue.labels.length > 0 ? ` · ${issue.labels.join(', ')}` : ''
  return `${repository.fullName} · ${state}${branches}${labels}`
}

const diffOf = async (repository: RepositoryState, pull: PullState): Promise<string> => {
  const common = await git(repository, ['merge-base', pull.baseSha, pull.headSha])
  return git(repository, ['diff', '--no-color', '--no-ext-diff', common.trim(), pull.headSha])
}

const said = (login: string, text: string): string =>
  `<article><b>${asText(login)}</b><pre>${asText(text)}</pre></article>`

/** Everything on these pages was written by somebody: nothing of it is markup. */
const asText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const style = `body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
pre { white-space: pre-wrap; background: #f6f8fa; padding: 1rem } small { color: #59636e }`

const page = (title: string, parts: string[]): string =>
  `<!doctype html><meta charset="utf-8"><title>${asText(title)}</title><style>${style}</style>${parts.join('\n')}\n`

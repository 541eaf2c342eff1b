import { JourneymanError } from '../../domain/errors.ts'
import type { WorldIssue, WorldPull, WorldRepository, WorldUser } from '../contract.ts'
import { closePull } from './close-pull.ts'
import { deliverPayload } from './deliver-event.ts'
import { addComment, addIssue, addLabels, removeLabel } from './edit-issue.ts'
import { git, refreshRefs } from './git.ts'
import { openPull } from './open-pull.ts'
import { commentPage, issuePage, renderComment, renderIssue, renderLabels } from './render/issue.ts'
import { renderPull } from './render/pull.ts'
import { renderRepository, repositoryPage } from './render/repository.ts'
import { nodeId } from './render/text.ts'
import { renderUser } from './render/user.ts'
import { type GitHubState, type IssueState, installationOf, type PullState, type RepositoryState } from './state.ts'
import { writeCommit } from './write-commit.ts'

/** A repository as tests and the demo see it: what people do there, and what has become of it. */
export const worldRepository = (state: GitHubState, repository: RepositoryState): WorldRepository => ({
  fullName: repository.fullName,
  cloneUrl: `${repositoryPage(state, repository)}.git`,
  gitDir: repository.gitDir,
  setPermission: (login, permission) => {
    repository.permissions.set(login.toLowerCase(), permission)
  },
  createIssue: ({ title, body, author = repository.owner, labels = [] }) =>
    showIssue(state, repository, addIssue(state, repository, { title, body, author, viaApp: false, labels })),
  issue: (number) => showIssue(state, repository, issueOf(repository, number)),
  label: (number, label, actor, options) => {
    const issue = issueOf(repository, number)
    addLabels(state, repository, issue, [label])
    const parts = { action: 'labeled', label: renderLabels(state, repository, [label])[0] }
    return tell(state, repository, 'issues', { ...parts, issue: renderIssue(state, repository, issue) }, actor, options)
  },
  unlabel: (number, label) => {
    removeLabel(issueOf(repository, number), label)
  },
  comment: (number, body, actor, options) => {
    const issue = issueOf(repository, number)
    const written = addComment(state, repository, { issueNumber: number, body, author: actor, viaApp: false })
    const comment = renderComment(state, repository, written)
    const parts = { action: 'created', comment, issue: renderIssue(state, repository, issue) }
    return tell(state, repository, 'issue_comment', parts, actor, options)
  },
  comments: (number) =>
    [...repository.comments.values()]
      .filter((comment) => comment.issueNumber === number)
      .map((comment) => ({
        id: comment.id,
        body: comment.body,
        author: comment.author.login,
        edits: comment.history.length - 1,
        url: commentPage(state, repository, comment),
        history: [...comment.history],
      })),
  reactions: (number) =>
    issueOf(repository, number).reactions.map((reaction) => ({ user: reaction.user.login, content: reaction.content })),
  editIssue: (number, edit) => {
    const issue = issueOf(repository, number)
    if (edit.title !== undefined) issue.title = edit.title
    if (edit.body !== undefined) issue.body = edit.body
    issue.updatedAt = new Date()
  },
  openPull: (asked) => showPull(state, repository, openPull(state, repository, asked)),
  pulls: () => [...repository.pulls.values()].map((pull) => showPull(state, repository, pull)),
  checkRuns: () =>
    [...repository.checkRuns.values()].map(({ id, name, headSha, status, conclusion, title, summary, externalId }) => ({
      id,
      name,
      headSha,
      status,
      conclusion,
      title,
      summary,
      externalId,
    })),
  closePull: async (number, actor, options = {}) => {
    const pull = await closePull(repository, number, actor, options)
    const nothing = { commits: 1, additions: 0, deletions: 0, changedFiles: 0 }
    const parts = { action: 'closed', number, pull_request: renderPull(state, repository, pull, nothing) }
    return tell(state, repository, 'pull_request', parts, actor, options)
  },
  git: async (...args) => {
    const printed = await git(repository, args)
    await refreshRefs(repository)
    return printed
  },
  commit: (branch, files, message) =>
    writeCommit(repository, { branch, files, message, author: repository.owner.login }),
  get archived() {
    return repository.archived
  },
  set archived(value) {
    repository.archived = value
  },
  get installed() {
    return repository.installed
  },
  set installed(value) {
    repository.installed = value
  },
})

const issueOf = (repository: RepositoryState, number: number): IssueState => {
  const issue = repository.issues.get(number)
  if (issue === undefined) throw new JourneymanError('not_found', `${repository.fullName} has no issue ${number}.`)
  return issue
}

type Told = Awaited<ReturnType<WorldRepository['label']>>

/** Posts what somebody did here, unless it is to stay untold. */
const tell = async (
  state: GitHubState,
  repository: RepositoryState,
  event: string,
  parts: Record<string, unknown>,
  actor: WorldUser,
  options: { guid?: string; deliver?: boolean } = {},
): Promise<Told> => {
  const { guid } = options
  if (options.deliver === false) return { status: 0, body: '', guid: guid ?? '' }
  const installation = installationOf(state, repository)
  const payload = {
    ...parts,
    repository: renderRepository(state, repository),
    sender: renderUser(state, actor),
    ...(installation && { installation: { id: installation.id, node_id: nodeId('I', installation.id) } }),
  }
  const ids = { repositoryId: repository.id, installationId: installation?.id ?? null }
  return deliverPayload(state, event, payload, ids, guid === undefined ? {} : { guid })
}

const showIssue = (state: GitHubState, repository: RepositoryState, issue: IssueState): WorldIssue => ({
  number: issue.number,
  title: issue.title,
  body: issue.body ?? '',
  labels: [...issue.labels],
  state: issue.state,
  author: issue.author,
  url: issuePage(state, repository, issue.number),
})

const showPull = (state: GitHubState, repository: RepositoryState, pull: PullState): WorldPull => {
  const issue = issueOf(repository, pull.number)
  return {
    number: pull.number,
    title: issue.title,
    body: issue.body ?? '',
    head: pull.head,
    base: pull.base,
    headSha: pull.headSha,
    draft: pull.draft,
    state: issue.state,
    merged: pull.mergedAt !== null,
    url: issuePage(state, repository, pull.number),
    author: issue.author.login,
    labels: [...issue.labels],
  }
}

import { type Answer, created, notFound, ok, validationFailed } from '../answer.ts'
import { createPull } from '../create-pull.ts'
import { maxTitleCharacters, setIssueState } from '../edit-issue.ts'
import { git } from '../git.ts'
import { paginate } from '../paginate.ts'
import { readCommits } from '../read-commit.ts'
import { readDiff } from '../read-diff.ts'
import { renderCommit, renderDiffFile } from '../render/commit.ts'
import { type DiffCounts, renderPull, renderSimplePull } from '../render/pull.ts'
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts'
import type { PullState } from '../state.ts'
import { tooLong } from './with-issue.ts'

const read = 'pull_requests:read'
const write = 'pull_requests:write'

export const pullRoutes: Route[] = [
  repositoryRoute('GET /pulls', read, (call) =>
    paginate(call, listed(call), (pull) => renderSimplePull(call.state, call.repository, pull)),
  ),
  repositoryRoute('POST /pulls', write, async (call) => {
    const result = await createPull(call)
    return 'status' in result ? result : created(await inFull(call, result.pull))
  }),
  repositoryRoute('GET /pulls/{pull_number}', read, (call) =>
    withPull(call, async (pull) => {
      if (!call.accept.includes('diff')) return ok(await inFull(call, pull))
      return {
        status: 200,
        text: await git(call.repository, ['diff', '--no-ext-diff', ...(await range(call, pull))]),
      }
    }),
  ),
  repositoryRoute('PATCH /pulls/{pull_number}', write, (call) => withPull(call, (pull) => update(call, pull))),
  repositoryRoute('GET /pulls/{pull_number}/files', read, (call) =>
    withPull(call, async (pull) => {
      const [from, to] = await range(call, pull)
      const files = await readDiff(call.repository, from, to)
      return paginate(call, files, (file) => renderDiffFile(call.state, call.repository, to, file))
    }),
  ),
  repositoryRoute('GET /pulls/{pull_number}/commits', read, (call) =>
    withPull(call, async (pull) => {
      const commits = await readCommits(call.repository, [`${pull.baseSha}..${pull.headSha}`])
      return paginate(call, commits.reverse(), (commit) => renderCommit(call.state, call.repository, commit))
    }),
  ),
  repositoryRoute('POST /pulls/{pull_number}/requested_reviewers', write, (call) =>
    withPull(call, (pull) => requestReviewers(call, pull)),
  ),
]

const withPull = (
  call: RepositoryCall,
  handle: (pull: PullState) => Answer | Promise<Answer>,
): Answer | Promise<Answer> => {
  const pull = call.repository.pulls.get(Number(call.parameters['pull_number']))
  return pull === undefined ? notFound() : handle(pull)
}

const update = async (call: RepositoryCall, pull: PullState): Promise<Answer> => {
  const issue = call.repository.issues.get(pull.number)!
  const { title, body, state, base } = call.body
  const problem = tooLong('PullRequest', body)
  if (problem !== null) return problem
  if (typeof title === 'string' && [...title].length > maxTitleCharacters)
    return validationFailed({
      resource: 'PullRequest',
      code: 'custom',
      field: 'title',
      message: 'title is too long (maximum is 256 characters)',
    })
  if (title !== undefined) issue.title = String(title)
  if (body !== undefined) issue.body = body as string | null
  if (state !== undefined) setIssueState(issue, state as 'open' | 'closed')
  if (typeof base === 'string') {
    const sha = call.repository.refs.get(`refs/heads/${base}`)
    if (sha === undefined) return validationFailed({ resource: 'PullRequest', field: 'base', code: 'invalid' })
    pull.base = base
    pull.baseSha = sha
  }
  issue.updatedAt = new Date()
  return ok(await inFull(call, pull))
}

const requestReviewers = (call: RepositoryCall, pull: PullState): Answer => {
  const names = (call.body['reviewers'] ?? []) as string[]
  const users = names.map((name) => call.state.users.get(name.toLowerCase()))
  const isCollaborator = (login: string): boolean =>
    login.toLowerCase() === call.repository.owner.login.toLowerCase() ||
    (call.repository.permissions.get(login.toLowerCase()) ?? 'none') !== 'none'
  if (users.some((user) => user === undefined || !isCollaborator(user.login)))
    return validationFailed({
      resource: 'PullRequest',
      code: 'custom',
      message:
        'Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator.',
    })
  for (const user of users) {
    if (user && !pull.requestedReviewers.some((each) => each.id === user.id)) pull.requestedReviewers.push(user)
  }
  return created(renderSimplePull(call.state, call.repository, pull))
}

/** GitHub honours `head` only as `owner:branch`; a bare branch name filters nothing. */
const listed = (call: RepositoryCall): PullState[] => {
  const wanted = call.query.get('state') ?? 'open'
  const head = call.query.get('head')
  const base = call.query.get('base')
  const byAge = call.query.get('sort') === 'updated' ? 'updatedAt' : 'createdAt'
  const sign = call.query.get('direction') === 'asc' ? 1 : -1
  const label = (pull: PullState): string => `${call.repository.owner.login}:${pull.head}`
  const issueOf = (pull: PullState) => call.repository.issues.get(pull.number)!
  return [...call.repository.pulls.values()]
    .filter((pull) => wanted === 'all' || issueOf(pull).state === wanted)
    .filter((pull) => !head?.includes(':') || label(pull) === head)
    .filter((pull) => base === null || pull.base === base)
    .sort((a, b) => sign * (issueOf(a)[byAge].getTime() - issueOf(b)[byAge].getTime() || a.number - b.number))
}

const range = async (call: RepositoryCall, pull: PullState): Promise<[string, string]> => {
  const base = call.repository.refs.get(`refs/heads/${pull.base}`) ?? pull.baseSha
  const common = await git(call.repository, ['merge-base', base, pull.headSha]).catch(() => base)
  return [common.trim(), pull.headSha]
}

const inFull = async (call: RepositoryCall, pull: PullState) => {
  const [from, to] = await range(call, pull)
  const [commits, files] = await Promise.all([
    readCommits(call.repository, [`${from}..${to}`]),
    readDiff(call.repository, from, to),
  ])
  const counts: DiffCounts = {
    commits: commits.length,
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    changedFiles: files.length,
  }
  return renderPull(call.state, call.repository, pull, counts)
}

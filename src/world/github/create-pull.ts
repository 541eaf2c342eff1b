import { type Answer, type FieldError, notFound, validationFailed } from './answer.ts'
import { addIssue, maxTitleCharacters } from './edit-issue.ts'
import { git } from './git.ts'
import type { RepositoryCall } from './route.ts'
import { tooLong } from './routes/with-issue.ts'
import type { IssueState, PullState, RepositoryState } from './state.ts'

/** Opens a pull request by GitHub's own rules, most of which its description does not hold; or says which is broken. */
export const createPull = async (call: RepositoryCall): Promise<{ pull: PullState } | Answer> => {
  const { repository } = call
  const head = branchName(repository, String(call.body['head']))
  const base = String(call.body['base'])
  const headSha = head === null ? undefined : repository.refs.get(`refs/heads/${head}`)
  const baseSha = repository.refs.get(`refs/heads/${base}`)
  if (head === null || headSha === undefined) return invalid('head')
  if (baseSha === undefined) return invalid('base')
  const long = tooLong('PullRequest', call.body['body'])
  if (long !== null) return long
  if (openPull(repository, head, base)) {
    return custom(`A pull request already exists for ${repository.owner.login}:${head}.`)
  }
  const ahead = await git(repository, ['rev-list', '--count', `${baseSha}..${headSha}`])
  if (ahead.trim() === '0') return custom(`No commits between ${base} and ${head}`)
  const issue = issueFor(call)
  if ('status' in issue) return issue
  const pull: PullState = {
    id: call.state.nextId(),
    number: issue.issue.number,
    head,
    base,
    headSha,
    baseSha,
    draft: call.body['draft'] === true,
    mergedAt: null,
    mergedBy: null,
    mergeCommitSha: null,
    requestedReviewers: [],
  }
  repository.pulls.set(pull.number, pull)
  return { pull }
}

/** A pull request has a title of its own, or is made out of an issue: one of the two, not both. */
const issueFor = (call: RepositoryCall): { issue: IssueState } | Answer => {
  const { title, body, issue: number } = call.body
  if (number !== undefined) {
    if (title !== undefined) return custom('Only one of title and issue may be given.')
    const issue = call.repository.issues.get(Number(number))
    return issue === undefined ? notFound() : { issue }
  }
  if (typeof title !== 'string' || title.trim() === '') return invalidField('title', 'missing_field')
  if ([...title].length > maxTitleCharacters)
    return custom(`title is too long (maximum is ${maxTitleCharacters} characters)`)
  return {
    issue: addIssue(call.state, call.repository, {
      title,
      body: typeof body === 'string' ? body : null,
      author: call.state.app.bot,
      viaApp: true,
      labels: [],
    }),
  }
}

/** `branch` or `owner:branch`; null for a fork, which the world has none of. */
const branchName = (repository: RepositoryState, head: string): string | null => {
  if (!head.includes(':')) return head
  const [owner, branch] = head.split(':')
  return owner?.toLowerCase() === repository.owner.login.toLowerCase() ? (branch ?? '') : null
}

const openPull = (repository: RepositoryState, head: string, base: string): PullState | undefined =>
  [...repository.pulls.values()].find(
    (pull) => pull.head === head && pull.base === base && repository.issues.get(pull.number)?.state === 'open',
  )

const invalid = (field: string): Answer => invalidField(field, 'invalid')
const custom = (message: string): Answer => error({ resource: 'PullRequest', code: 'custom', message })
const invalidField = (field: string, code: string): Answer => error({ resource: 'PullRequest', field, code })
const error = (each: FieldError): Answer => validationFailed(each)

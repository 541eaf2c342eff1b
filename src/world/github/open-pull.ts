import { JourneymanError } from '../../domain/errors.ts'
import type { WorldRepository } from '../contract.ts'
import { addIssue } from './edit-issue.ts'
import type { GitHubState, PullState, RepositoryState } from './state.ts'

/** What a person does who has pushed a branch. */
export const openPull = (
  state: GitHubState,
  repository: RepositoryState,
  asked: Parameters<WorldRepository['openPull']>[0],
): PullState => {
  const base = asked.base ?? repository.defaultBranch
  const shaOf = (branch: string): string => {
    const sha = repository.refs.get(`refs/heads/${branch}`)
    if (sha === undefined) throw new JourneymanError('not_found', `${repository.fullName} has no branch ${branch}.`)
    return sha
  }
  const [headSha, baseSha] = [shaOf(asked.head), shaOf(base)]
  const { title, body, author = repository.owner, labels = [] } = asked
  const { number } = addIssue(state, repository, { title, body, author, viaApp: false, labels })
  const pull: PullState = {
    id: state.nextId(),
    number,
    head: asked.head,
    base,
    headSha,
    baseSha,
    draft: asked.draft ?? false,
    mergedAt: null,
    mergedBy: null,
    mergeCommitSha: null,
    requestedReviewers: [],
  }
  repository.pulls.set(number, pull)
  return pull
}

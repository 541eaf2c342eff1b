import { JourneymanError } from '../../domain/errors.ts'
import type { WorldUser } from '../contract.ts'
import { setIssueState } from './edit-issue.ts'
import { git, refreshRefs } from './git.ts'
import type { PullState, RepositoryState } from './state.ts'

/** What a person does with the green button, or with the grey one. */
export const closePull = async (
  repository: RepositoryState,
  number: number,
  actor: WorldUser,
  options: { merge?: boolean } = {},
): Promise<PullState> => {
  const pull = repository.pulls.get(number)
  const issue = repository.issues.get(number)
  if (pull === undefined || issue === undefined)
    throw new JourneymanError('not_found', `${repository.fullName} has no pull request ${number}.`)
  if (options.merge === true) {
    pull.mergeCommitSha = await merge(repository, pull, issue.title)
    pull.mergedAt = new Date()
    pull.mergedBy = actor
  }
  setIssueState(issue, 'closed')
  await refreshRefs(repository)
  return pull
}

/** A real merge commit on the base branch; a conflict rejects, as the button would be greyed out. */
const merge = async (repository: RepositoryState, pull: PullState, title: string): Promise<string> => {
  const base = `refs/heads/${pull.base}`
  const tree = (await git(repository, ['merge-tree', '--write-tree', base, pull.headSha])).split('\n')[0] ?? ''
  const message = `Merge pull request #${pull.number} from ${repository.owner.login}/${pull.head}\n\n${title}`
  const who = ['-c', 'user.name=world', '-c', 'user.email=world@users.noreply.github.invalid']
  const parents = ['-p', repository.refs.get(base) ?? '', '-p', pull.headSha]
  const commit = await git(repository, [...who, 'commit-tree', tree, ...parents, '-m', message])
  await git(repository, ['update-ref', base, commit.trim()])
  return commit.trim()
}

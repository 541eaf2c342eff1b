import type { WorldUser } from '../contract.ts'
import type { CommentState, GitHubState, IssueState, ReactionState, RepositoryState } from './state.ts'
import { nextNumber } from './state.ts'

/** What GitHub accepts at most. */
export const maxBodyCharacters = 65_536
export const maxTitleCharacters = 256

type NewIssue = { title: string; body: string | null; author: WorldUser; viaApp: boolean; labels: string[] }

export const addIssue = (state: GitHubState, repository: RepositoryState, input: NewIssue): IssueState => {
  const now = new Date()
  const issue: IssueState = {
    id: state.nextId(),
    number: nextNumber(repository),
    title: input.title,
    body: input.body,
    author: input.author,
    viaApp: input.viaApp,
    labels: [],
    assignees: [],
    state: 'open',
    stateReason: null,
    createdAt: now,
    updatedAt: now,
    closedAt: null,
    reactions: [],
  }
  repository.issues.set(issue.number, issue)
  addLabels(state, repository, issue, input.labels)
  return issue
}

/** Labels are compared without case, and one that is not there is made, as GitHub does. */
export const addLabels = (
  state: GitHubState,
  repository: RepositoryState,
  issue: IssueState,
  names: readonly string[],
): void => {
  for (const name of names) {
    const key = name.toLowerCase()
    const label = repository.labels.get(key) ?? { id: state.nextId(), name, color: 'ededed', description: null }
    repository.labels.set(key, label)
    if (!issue.labels.includes(label.name)) issue.labels.push(label.name)
  }
  issue.updatedAt = new Date()
}

/** False when the issue does not have it. */
export const removeLabel = (issue: IssueState, name: string): boolean => {
  const left = issue.labels.filter((each) => each.toLowerCase() !== name.toLowerCase())
  const had = left.length < issue.labels.length
  issue.labels = left
  if (had) issue.updatedAt = new Date()
  return had
}

export const setIssueState = (
  issue: IssueState,
  next: 'open' | 'closed',
  reason: IssueState['stateReason'] = null,
): void => {
  if (issue.state !== next) issue.closedAt = next === 'closed' ? new Date() : null
  issue.stateReason = reason ?? (next === 'closed' ? 'completed' : issue.state === 'closed' ? 'reopened' : null)
  issue.state = next
  issue.updatedAt = new Date()
}

export const addComment = (
  state: GitHubState,
  repository: RepositoryState,
  input: { issueNumber: number; body: string; author: WorldUser; viaApp: boolean },
): CommentState => {
  const now = new Date()
  const comment: CommentState = {
    ...input,
    id: state.nextId(),
    createdAt: now,
    updatedAt: now,
    history: [input.body],
    reactions: [],
  }
  repository.comments.set(comment.id, comment)
  return comment
}

/** The reaction, and whether it is new: the same one by the same person is the one that is there. */
export const addReaction = (
  state: GitHubState,
  reactions: ReactionState[],
  user: WorldUser,
  content: string,
): { reaction: ReactionState; isNew: boolean } => {
  const known = reactions.find((each) => each.user.id === user.id && each.content === content)
  if (known !== undefined) return { reaction: known, isNew: false }
  const reaction = { id: state.nextId(), user, content, createdAt: new Date() }
  reactions.push(reaction)
  return { reaction, isNew: true }
}

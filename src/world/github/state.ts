import type { KeyObject } from 'node:crypto'
import type { FaultRule, RecordedRequest, Violation, WorldUser } from '../contract.ts'
import type { WebhookValidator } from '../validate/github-validator.ts'
import type { Validator } from '../validate/validator.ts'
import type { GitHost } from './git-host.ts'

export type PermissionName = 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none'
export type Grants = Record<string, string>

export type LabelState = { id: number; name: string; color: string; description: string | null }
export type ReactionState = { id: number; user: WorldUser; content: string; createdAt: Date }
export type CommentState = {
  id: number
  issueNumber: number
  body: string
  author: WorldUser
  viaApp: boolean
  createdAt: Date
  updatedAt: Date
  /** Every body it ever had, oldest first. */
  history: string[]
  reactions: ReactionState[]
}

/** An issue, or the half of a pull request that is one. */
export type IssueState = {
  id: number
  number: number
  title: string
  body: string | null
  author: WorldUser
  viaApp: boolean
  labels: string[]
  assignees: WorldUser[]
  state: 'open' | 'closed'
  stateReason: 'completed' | 'reopened' | 'not_planned' | 'duplicate' | null
  createdAt: Date
  updatedAt: Date
  closedAt: Date | null
  reactions: ReactionState[]
}

export type PullState = {
  id: number
  number: number
  head: string
  base: string
  headSha: string
  baseSha: string
  draft: boolean
  mergedAt: Date | null
  mergedBy: WorldUser | null
  mergeCommitSha: string | null
  requestedReviewers: WorldUser[]
}

export type CheckRunState = {
  id: number
  name: string
  headSha: string
  status: 'queued' | 'in_progress' | 'completed'
  conclusion: string | null
  detailsUrl: string | null
  externalId: string | null
  startedAt: Date | null
  completedAt: Date | null
  title: string | null
  summary: string | null
  text: string | null
  annotations: unknown[]
}

export type RepositoryState = {
  id: number
  owner: WorldUser
  name: string
  fullName: string
  gitDir: string
  gitHost: GitHost
  private: boolean
  archived: boolean
  installed: boolean
  defaultBranch: string
  createdAt: Date
  pushedAt: Date
  permissions: Map<string, PermissionName>
  /** What the bare repository holds, as of the last write through the world: `refs/heads/main` -> commit. */
  refs: Map<string, string>
  /** The latest reading of them. */
  refreshing: Promise<void>
  labels: Map<string, LabelState>
  issues: Map<number, IssueState>
  pulls: Map<number, PullState>
  comments: Map<number, CommentState>
  checkRuns: Map<number, CheckRunState>
}

export type InstallationState = { id: number; account: WorldUser; createdAt: Date }
export type TokenState = {
  token: string
  installation: number
  expiresAt: Date
  permissions: Grants
  /** null: every repository of the installation. */
  repositories: number[] | null
  used: number
}

export type DeliveryState = {
  id: number
  guid: string
  event: string
  action: string | null
  statusCode: number
  body: string
  answer: string
  headers: Record<string, string>
  deliveredAt: Date
  durationSeconds: number
  redelivery: boolean
  repositoryId: number | null
  installationId: number | null
}

export type AppState = {
  id: string
  slug: string
  privateKey: string
  publicKey: KeyObject
  webhookSecret: string
  bot: WorldUser
  permissions: Grants
  events: string[]
  createdAt: Date
}

/** Everything that the stand-in of GitHub remembers. Made by `new-state.ts`, one for each world. */
export type GitHubState = {
  folder: string
  gitHost: GitHost
  /** Known once the server listens. */
  url: string
  apiUrl: string
  app: AppState
  users: Map<string, WorldUser>
  /** `org/slug` -> names in small letters. */
  teams: Map<string, Set<string>>
  repositories: Map<string, RepositoryState>
  installations: Map<number, InstallationState>
  tokens: Map<string, TokenState>
  deliveries: DeliveryState[]
  faults: FaultRule[]
  tokenSeconds: number
  webhookUrl: string | null
  requests: RecordedRequest[]
  violations: Violation[]
  validator: Validator | null
  /** Read when it is first asked for. */
  webhookValidator: () => Promise<WebhookValidator | null>
  nextId: () => number
}

export const repositoryOf = (state: GitHubState, fullName: string): RepositoryState | undefined =>
  state.repositories.get(fullName.toLowerCase())

export const installationOf = (state: GitHubState, repository: RepositoryState): InstallationState | undefined =>
  repository.installed
    ? [...state.installations.values()].find((each) => each.account.id === repository.owner.id)
    : undefined

/** Issues and pull requests share their numbers. */
export const nextNumber = (repository: RepositoryState): number => repository.issues.size + 1

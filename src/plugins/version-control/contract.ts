import type { Change } from '../../domain/change.ts'
import type { Actor } from '../../domain/event.ts'

/** Where an action acts: what a run knows of its repository. */
export type RepositoryRef = { repository: string; installation: string | null }

export type RepositoryInfo = {
  repository: string
  url: string
  cloneUrl: string
  defaultBranch: string
  private: boolean
  archived: boolean
}

export type Permission = 'none' | 'read' | 'triage' | 'write' | 'maintain' | 'admin'

export type CheckRun = {
  name: string
  headSha: string
  status: 'queued' | 'in_progress' | 'completed'
  conclusion?: 'success' | 'failure' | 'neutral' | 'cancelled'
  title: string
  summary: string
  detailsUrl?: string
  /** Ours, by which it is found again. */
  externalId: string
}

export type PullRequestInput = {
  title: string
  body: string
  sourceBranch: string
  targetBranch: string
  draft: boolean
}

/** A delivery as the provider remembers it, for the reconciler. */
export type MissedDelivery = {
  id: string
  deliveryId: string
  type: string
  deliveredAt: Date
  ok: boolean
  /** The newest try of it was answered with that such a body is not taken: another comes to the same. */
  refused: boolean
}

/**
 * Reads and writes of one code host. Writes are not idempotent by themselves: the caller goes through the effect ledger,
 * and the `find…` members are how the ledger asks the outside before it sends again.
 * All throw JourneymanError: `not_found`, `forbidden`, `unauthenticated`, `rate_limited` (with retryAfterMs),
 * `unavailable`, `timeout`, `conflict`, `invalid_input`; rarely `malformed_output`, `too_large`, `invalid_configuration`.
 * A write that ends in `unavailable` or `timeout` may have been done. Writes have one try.
 */
export type VersionControl = {
  name: string
  /** What our own writes are made as; events by it are ours and are ignored. */
  self: () => Promise<{ login: string; id: string }>
  getRepository: (ref: RepositoryRef) => Promise<RepositoryInfo>
  /** The live permission of a person. A stranger is `none` or `read`, not an error. */
  getPermission: (ref: RepositoryRef, actor: Actor) => Promise<Permission>
  /**
   * Whether the person is in a team, named `org/slug`. A team that is not there has no members. Throws `forbidden` where we
   * may not look into teams. Left out where there are none.
   */
  isTeamMember?: (ref: RepositoryRef, team: string, actor: Actor) => Promise<boolean>
  /** A token for git over HTTP, for this repository alone, as user and password. Never logged, never on disk. */
  getGitCredential: (ref: RepositoryRef) => Promise<{ username: string; password: string; expiresAt: Date | null }>
  /** null when there is no such branch. */
  getBranchHead: (ref: RepositoryRef, branch: string) => Promise<string | null>
  deleteBranch: (ref: RepositoryRef, branch: string) => Promise<void>
  /** The open change from this branch, or else the newest closed one; null when there never was one. */
  findChange: (ref: RepositoryRef, sourceBranch: string) => Promise<Change | null>
  createChange: (ref: RepositoryRef, input: PullRequestInput) => Promise<Change>
  getChange: (ref: RepositoryRef, number: number) => Promise<Change>
  /** Closes it without merging. One that is closed or merged stays as it is, and that is no error. */
  closeChange: (ref: RepositoryRef, number: number) => Promise<Change>
  /** `/repos/…/compare/base...head` as paths with counts. */
  requestReviewers?: (ref: RepositoryRef, number: number, reviewers: string[]) => Promise<void>
  addLabels: (ref: RepositoryRef, number: number, labels: string[]) => Promise<void>
  findCheckRun: (ref: RepositoryRef, headSha: string, externalId: string) => Promise<{ id: string } | null>
  createCheckRun: (ref: RepositoryRef, check: CheckRun) => Promise<{ id: string }>
  updateCheckRun: (ref: RepositoryRef, id: string, check: CheckRun) => Promise<void>
  /** Deliveries that the provider tried since then, newest first; bounded. */
  listDeliveries?: (since: Date) => Promise<MissedDelivery[]>
  /** Asks for one to be sent again. */
  redeliver?: (id: string) => Promise<void>
  /** Who we are there and what we may: for `doctor` and the health check. */
  check: () => Promise<{ account: string; permissions: Record<string, string> }>
}

import type { ErrorRule } from '../../domain/error-class.ts'

const reasonIs =
  (reason: string): NonNullable<ErrorRule['matches']> =>
  (failure) =>
    failure.detail?.['reason'] === reason

/**
 * GitHub answers from copies that may be seconds behind what it has just accepted, and says so with codes that otherwise
 * mean no. `translate-error.ts` and the client put into `detail.reason` which of these it was.
 */
export const errorRules: ErrorRule[] = [
  // The head of a pull request, or the commit of a check run, that was pushed a moment ago.
  { service: 'github', code: 'invalid_input', matches: reasonIs('not_yet_seen'), class: 'transient' },
  // A pull request or an issue that this process has made a moment ago.
  { service: 'github', code: 'not_found', matches: reasonIs('just_created'), class: 'transient' },
  // A token that GitHub itself has just handed out: what signs for it was accepted, so our credential is good.
  { service: 'github', code: 'unauthenticated', matches: reasonIs('fresh_token'), class: 'transient' },
  // A repository that is being made, a merge or a change of a reference that is under way.
  { service: 'github', code: 'conflict', matches: reasonIs('in_progress'), class: 'transient' },
]

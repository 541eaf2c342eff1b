import { codeOf, JourneymanError } from '../domain/errors.ts'
import type { GitCredential } from './contract.ts'
import type { Git } from './git.ts'
import { requireBranchName, requireCommitId, requireRemoteUrl } from './git-names.ts'
import type { RunPlace } from './run-place.ts'

export type PushRequest = {
  cloneUrl: string
  credential: () => Promise<GitCredential>
  commit: string
  branch: string
  expected: string | null
  timeoutMs: number
}

/**
 * Pushes one commit to one branch at an address that is given here and not read from any configuration. Whatever the push
 * said, the remote has the last word: where the branch is at our commit afterwards, it is done, also by an earlier try
 * whose answer was lost.
 */
export const pushCommit = async (git: Git, place: RunPlace, request: PushRequest): Promise<void> => {
  const ref = `refs/heads/${requireBranchName(request.branch)}`
  const commit = requireCommitId(request.commit)
  const expected = request.expected === null ? '' : requireCommitId(request.expected)
  const remote = { url: requireRemoteUrl(request.cloneUrl), credential: await request.credential() }
  const flags = ['--no-verify', '--no-signed', '--no-follow-tags', `--force-with-lease=${ref}:${expected}`]
  const failure = await git({ gitDir: place.gitDir }, ['push', ...flags, '--', remote.url, `${commit}:${ref}`], {
    what: `pushing ${request.branch}`,
    timeoutMs: request.timeoutMs,
    remote,
  }).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (failure && ['unauthenticated', 'not_found'].includes(codeOf(failure))) throw failure
  const found = await remoteHead(git, place, { remote, ref, timeoutMs: request.timeoutMs }).catch((error: unknown) => {
    throw failure ?? error
  })
  if (found === commit) return
  throw failure ?? movedAway(request.branch, found)
}

const remoteHead = async (
  git: Git,
  place: RunPlace,
  request: { remote: { url: string; credential: GitCredential }; ref: string; timeoutMs: number },
): Promise<string | null> => {
  const result = await git({ gitDir: place.gitDir }, ['ls-remote', '--', request.remote.url, request.ref], {
    what: 'asking where the branch is',
    timeoutMs: request.timeoutMs,
    remote: request.remote,
  })
  const line = result.stdout
    .toString('utf8')
    .split('\n')
    .find((text) => text.endsWith(`\t${request.ref}`))
  return line?.split('\t')[0] ?? null
}

const movedAway = (branch: string, found: string | null): JourneymanError =>
  new JourneymanError('conflict', `The branch ${branch} is at ${found?.slice(0, 12) ?? 'nothing'} after the push.`)

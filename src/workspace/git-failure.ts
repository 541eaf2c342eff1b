import { type ErrorCode, JourneymanError } from '../domain/errors.ts'

/**
 * git says in words only what went wrong outside; here, and nowhere else, the words become a code. The process runs with
 * LC_ALL=C, so that they are the English ones. What is not recognised is `internal`.
 */
const signs: { pattern: RegExp; code: ErrorCode; sentence: string; nextAction?: string; ours?: true }[] = [
  {
    pattern: /No space left on device|Disk quota exceeded/i,
    code: 'unavailable',
    sentence: 'The disk of the workspaces is full.',
    ours: true,
    nextAction: 'Free some space in the data folder; the run goes on by itself when it is retried.',
  },
  {
    pattern: /Authentication failed|could not read (Username|Password)|returned error: 401|HTTP 401/i,
    code: 'unauthenticated',
    sentence: 'The git server does not accept our credential.',
  },
  {
    pattern: /returned error: 429|HTTP 429/i,
    code: 'rate_limited',
    sentence: 'The git server asks us to slow down.',
  },
  {
    pattern:
      /returned error: 403|HTTP 403|Permission to .* denied|protected branch|hook declined|not allowed to push|Write access to repository not granted/i,
    code: 'forbidden',
    sentence: 'The git server does not allow this.',
  },
  {
    pattern:
      /stale info|non-fast-forward|fetch first|\[rejected\]|cannot lock ref|failed to update ref|reference already exists/i,
    code: 'conflict',
    sentence: 'The branch is not where we took it to be.',
  },
  {
    pattern:
      /repository .* not found|Repository not found|returned error: 404|HTTP 404|does not appear to be a git repository|couldn't find remote ref|not our ref|no such remote ref|returned error: 30\d|unable to update url base from redirection/i,
    code: 'not_found',
    sentence: 'The git server does not know this repository, branch or commit.',
  },
  {
    pattern: /not our ref|upload-pack: not our ref/i,
    code: 'not_found',
    sentence: 'The git server does not know this commit.',
  },
  {
    pattern:
      /Could not resolve host|Failed to connect|Couldn't connect|Connection (refused|reset|timed out)|returned error: 5\d\d|HTTP 5\d\d|early EOF|RPC failed|unexpected disconnect|remote end hung up|Empty reply|transfer closed|Operation timed out|Recv failure|Send failure|SSL|TLS|gnutls|expected flush|protocol error|invalid server response/i,
    code: 'unavailable',
    sentence: 'The git server cannot be reached, or broke off.',
  },
]

/**
 * The error for a git command that failed. `what` is a few words: "fetching acme/shop". `detail.remote` says that it is the
 * remote's failure.
 */
export const gitFailure = (
  what: string,
  exitCode: number | null,
  stderr: string,
  wentOut: boolean,
): JourneymanError => {
  const sign = signs.find(({ pattern }) => pattern.test(stderr))
  const isTheirs = wentOut && sign !== undefined && !sign.ours
  const detail = { exitCode, stderr: shorten(stderr), ...(isTheirs && { remote: true }) }
  if (!sign) {
    return new JourneymanError('internal', `git failed at ${what} (exit code ${exitCode}): ${lastLine(stderr)}`, {
      detail,
    })
  }
  const more = sign.nextAction === undefined ? {} : { nextAction: sign.nextAction }
  return new JourneymanError(sign.code, `${sign.sentence} (${what}: ${lastLine(stderr)})`, { detail, ...more })
}

const shorten = (text: string): string => (text.length > 2000 ? `${text.slice(0, 2000)} …` : text)

const lastLine = (text: string): string => {
  const lines = text.trim().split('\n')
  const telling = lines.findLast((line) => /^(fatal|error|remote|!)/.test(line.trim())) ?? lines.at(-1) ?? ''
  return telling.trim().slice(0, 300) || 'it said nothing'
}

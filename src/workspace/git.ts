import { JourneymanError } from '../domain/errors.ts'
import type { ProcessRequest, ProcessResult } from './bounded-process.ts'
import type { GitCredential } from './contract.ts'
import { gitFailure } from './git-failure.ts'

/** Where a git command works. Nothing is ever discovered: what is not named here does not exist for it. */
export type GitPlace = {
  gitDir: string
  /** Without one the command sees objects and refs only, and no attribute or mailmap of a work tree. */
  workTree?: string
  indexFile?: string
}

export type GitOptions = {
  /** A few words for the message of a failure: "fetching acme/shop". */
  what: string
  input?: string | Buffer
  timeoutMs?: number
  maxOutputBytes?: number
  signal?: AbortSignal | undefined
  /** Only then may the command go out, and only with this credential, which lives in the process's environment alone. */
  remote?: { url: string; credential: GitCredential }
  /** GIT_AUTHOR_* and GIT_COMMITTER_*. */
  people?: Record<string, string>
  identity?: { uid: number; gid: number } | undefined
  /** For the one command that takes paths only as patterns; they begin with `./`, so that none can be magic. */
  pathsArePatterns?: boolean
  /** Exit codes that are an answer and not a failure. */
  accept?: number[]
  /** Output beyond the bound is cut off; otherwise it is `too_large`. */
  mayTruncate?: boolean
}

export type Git = (place: GitPlace, args: string[], options: GitOptions) => Promise<ProcessResult>

const defaults = { timeoutMs: 120_000, maxOutputBytes: 64 * 1024 * 1024 }

/**
 * The only door to the host's git. A work tree is the agent's, so nothing in it may decide what git runs: no hooks, no
 * fsmonitor, no filters, no textconv or external diff, no system or global configuration, no protocol but HTTP, no
 * prompts, no credential helpers. The environment is built from nothing.
 */
export const createGit =
  (settings: {
    searchPath: string
    environment: Record<string, string>
    run: (request: ProcessRequest) => Promise<ProcessResult>
  }): Git =>
  async (place, args, options) => {
    const result = await settings.run({
      file: 'git',
      args,
      cwd: place.workTree ?? place.gitDir,
      env: { ...settings.environment, ...gitEnvironment(settings.searchPath, place, options) },
      input: options.input,
      timeoutMs: options.timeoutMs ?? defaults.timeoutMs,
      maxOutputBytes: options.maxOutputBytes ?? defaults.maxOutputBytes,
      signal: options.signal,
      identity: options.identity,
    })
    const remote = options.remote !== undefined
    if (result.timedOut) {
      const detail = { ...(remote && { remote }) }
      throw new JourneymanError('timeout', `git took too long at ${options.what}.`, { detail })
    }
    if (result.truncated) {
      if (options.mayTruncate) return result
      throw new JourneymanError('too_large', `git answered more than may be kept at ${options.what}.`)
    }
    if (result.exitCode !== 0 && !options.accept?.includes(result.exitCode ?? -1)) {
      throw gitFailure(options.what, result.exitCode, result.stderr, remote)
    }
    return result
  }

/** For git commands whose answer is one line. */
export const firstLine = (result: ProcessResult): string => result.stdout.toString('utf8').split('\n', 1)[0] ?? ''

const gitEnvironment = (searchPath: string, place: GitPlace, options: GitOptions): Record<string, string> => ({
  PATH: searchPath,
  HOME: '/nonexistent',
  XDG_CONFIG_HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_DIR: place.gitDir,
  ...(place.workTree !== undefined && { GIT_WORK_TREE: place.workTree }),
  ...(place.indexFile !== undefined && { GIT_INDEX_FILE: place.indexFile }),
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_LITERAL_PATHSPECS: options.pathsArePatterns ? '0' : '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: 'false',
  SSH_ASKPASS: 'false',
  GIT_SSH_COMMAND: 'false',
  GIT_EDITOR: 'false',
  GIT_PAGER: 'cat',
  GIT_PROTOCOL_FROM_USER: '0',
  GIT_ALLOW_PROTOCOL: options.remote ? 'http:https' : 'none',
  ...options.people,
  ...configuration([...guards, ...remoteConfiguration(options)]),
})

/** Each key here closes a way in which a repository's content could run something, or helps to keep a bound. */
const guards: [string, string][] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['core.protectHFS', 'true'],
  ['core.protectNTFS', 'true'],
  ['core.symlinks', 'true'],
  ['core.fileMode', 'true'],
  ['core.autocrlf', 'false'],
  ['core.quotePath', 'false'],
  ['core.compression', '1'],
  ['credential.helper', ''],
  ['diff.external', ''],
  ['commit.gpgSign', 'false'],
  ['push.gpgSign', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['log.showSignature', 'false'],
  ['log.mailmap', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  // One pack instead of thousands of small files, which are slow to read.
  ['fetch.unpackLimit', '1'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['checkout.workers', '2'],
  ['protocol.allow', 'never'],
]

const remoteConfiguration = ({ remote }: GitOptions): [string, string][] => {
  if (!remote) return []
  const { username, password } = remote.credential
  const token = Buffer.from(`${username}:${password}`).toString('base64')
  return [
    ['protocol.http.allow', 'always'],
    ['protocol.https.allow', 'always'],
    // A redirect could carry the credential to another host.
    ['http.followRedirects', 'false'],
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '60'],
    [`http.${remote.url}.extraHeader`, `Authorization: Basic ${token}`],
  ]
}

const configuration = (pairs: [string, string][]): Record<string, string> =>
  Object.fromEntries([
    ['GIT_CONFIG_COUNT', String(pairs.length)],
    ...pairs.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  ])

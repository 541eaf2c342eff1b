import type { ChangedFile } from '../domain/change.ts'

/**
 * What the rest of the house knows of the room where code is worked on. `workspaces.ts` makes one.
 * Every command, every read and every edit of an agent goes through the sandbox; git runs on the host, outside it.
 */
export type SandboxKind = 'bubblewrap' | 'none'

/** What the self-test at start found. */
export type SandboxStatus = {
  kind: SandboxKind
  /** false: commands are off, and a pull request says "checks were not run". */
  usable: boolean
  /** One sentence for people: what was found, or what fails and the line that mends it. */
  summary: string
  /** The escapes that were attempted, each with what came of it. */
  attempts: { name: string; held: boolean; detail: string }[]
}

export type GitCredential = { username: string; password: string }

export type OpenRequest = {
  runId: string
  /** The claim's. Of two workers of one host that have the run open, the one with the higher epoch keeps it. */
  epoch: number
  repository: string
  cloneUrl: string
  /** Asked for at each use, since an installation token lives an hour. */
  credential: () => Promise<GitCredential>
  /** Branch or commit to start from. A resumed run gives the commit that it began with. */
  base: { branch: string } | { sha: string }
  /** The state to restore, when the run goes on. */
  snapshot: string | null
}

/** `.journeyman.yml` of the repository, read at the base commit. All keys may be absent. */
export type RepositorySettings = {
  /** Commands that make the work tree ready (install packages); run once per workspace, in the sandbox. */
  setup: string[]
  /** Commands that give evidence. Detected from the repository when it names none. */
  checks: { name: string; command: string; timeout_seconds: number }[]
  checksFrom: 'settings' | 'detected' | 'none'
  allowed_domains: string[]
  protected_paths: string[]
  workflow: string | null
  instructions: string | null
}

export type CommandRequest = {
  command: string
  timeoutMs: number
  signal: AbortSignal
  /** Bytes kept of the output's beginning and end together; the rest is counted. */
  maxOutputBytes?: number
  /** Only set-up and checks may use the repository's allowed domains. */
  network?: boolean
  onOutput?: (chunk: string) => void
}

export type CommandResult = {
  exitCode: number | null
  signal: string | null
  timedOut: boolean
  /** stdout and stderr as they came, shortened in the middle with a line that says so. */
  output: string
  outputBytes: number
  durationMs: number
}

/** Reading and editing inside the sandbox. Paths are relative to the work tree; anything else is `invalid_input`. */
export type FileTools = {
  /** Throws `not_found`, `too_large`, `invalid_input` (a directory, a binary). */
  read: (path: string) => Promise<string>
  write: (path: string, content: string) => Promise<void>
  list: (
    path: string,
    depth: number,
    limit: number,
  ) => Promise<{ path: string; kind: 'file' | 'directory' | 'symlink'; bytes: number }[]>
  /** ripgrep; bounded. */
  search: (request: {
    pattern: string
    path?: string
    glob?: string
    ignoreCase?: boolean
    limit: number
  }) => Promise<{ path: string; line: number; text: string }[]>
}

/** Read-only git of the host over the run's own objects. */
export type History = {
  log: (request: { path?: string; limit: number }) => Promise<string>
  show: (commit: string, path?: string) => Promise<string>
  blame: (path: string, from: number, to: number) => Promise<string>
  diff: () => Promise<string>
}

export type ProposedFile = ChangedFile & {
  /** git's mode of the new side: 100644, 100755, 120000 (symlink), 160000 (submodule); null when deleted. */
  mode: string | null
  /** The same of the old side; null when it is new. */
  oldMode?: string | null
  bytes: number
  binary: boolean
  /** The added lines, for the search for secrets; empty for binaries. */
  addedText: string
}

export type Workspace = {
  runId: string
  /** The work tree on the host. For git and for people; nobody else opens files in it. */
  root: string
  /** The work tree is a new one in which the repository's set-up has not come to its end yet. */
  fresh: boolean
  baseSha: string
  settings: RepositorySettings
  files: FileTools
  history: History
  /** Runs `bash -c` in the sandbox, in the work tree. Throws `sandbox_unavailable`, `stopped`. */
  run: (request: CommandRequest) => Promise<CommandResult>
  /** Records the whole work tree as a commit in the run's own git directory. Ignored files are left out and named. */
  snapshot: (label: string) => Promise<{ commit: string; leftOut: string[] }>
  /** Makes the work tree what that snapshot was. Throws `workspace_lost`. */
  restore: (commit: string) => Promise<void>
  /** What a pull request would contain: the work tree against the base commit. */
  proposal: () => Promise<ProposedFile[]>
  /** The unified diff of the proposal, for people; bounded. */
  unifiedDiff: (maxBytes: number) => Promise<string>
  /**
   * Commits exactly the proposal on top of the base commit; the same content, message and dates give the same commit id, so
   * that doing it twice is doing it once.
   */
  commit: (request: { message: string; author: { name: string; email: string }; date: Date }) => Promise<string>
  /**
   * Pushes that commit to the branch, expecting the remote branch to be at `expected` (null: absent). Throws `conflict` when
   * it is somewhere else, `forbidden`, `unavailable`.
   */
  push: (request: { commit: string; branch: string; expected: string | null }) => Promise<void>
  /** The set-up has come to its end: whoever opens this work tree next need not do it again. */
  ready: () => Promise<void>
  /** Ends processes; keeps the folder, so that a resume on this host is quick. */
  close: () => Promise<void>
}

export type Workspaces = {
  sandbox: SandboxStatus
  /**
   * Mirror, worktree, restore. Idempotent per run: what an earlier worker left is taken over or made anew. If that one was
   * only asleep, its processes for this run end, and all that it does afterwards with its own workspace throws `stale_epoch`.
   */
  open: (request: OpenRequest, signal: AbortSignal) => Promise<Workspace>
  /**
   * Removes everything of a run: processes, worktree, git directory, locks. Twice is once. With `keepSnapshots` the git
   * directory stays, so that the run can be tried again.
   */
  remove: (runId: string, options?: { keepSnapshots?: boolean }) => Promise<void>
  /** Runs that have something on this disk, for the reaper. */
  list: () => Promise<string[]>
  close: () => Promise<void>
}

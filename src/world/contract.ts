/**
 * The local stand-in of the outside services. Everything runs on loopback, on free ports, in this process, with real
 * bare git repositories in a folder of its own. `start-world.ts` makes one. It is strict: a request that the vendor's
 * description would refuse is answered with an error AND noted in `violations`, and so is an answer of its own that the
 * description would not produce. A test asserts that `violations` is empty.
 */
export type Violation = {
  service: 'github' | 'claude'
  side: 'request' | 'response'
  method: string
  path: string
  message: string
}

export type RecordedRequest = {
  service: 'github' | 'claude' | 'git'
  method: string
  path: string
  status: number
  at: number
  body: unknown
}

/** What a fault does to the requests that match. `times` is how many of them; then it is over. */
export type Fault =
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: unknown }
  | { kind: 'hang' } // accept and never answer
  | { kind: 'drop' } // close the connection without an answer
  | { kind: 'after'; status: number } // do the work, then answer with this status: success that looks like failure
  | { kind: 'drop_after' } // do the work, then close the connection
  | { kind: 'delay'; ms: number }

export type FaultRule = { method?: string; path: RegExp; times: number; fault: Fault }

export type WorldUser = { login: string; id: number; type: 'User' | 'Bot' }

export type WorldGitHub = {
  /** For `github.api_url` and `github.url`. */
  apiUrl: string
  url: string
  app: { id: string; slug: string; privateKey: string; webhookSecret: string; bot: WorldUser }
  /** Where webhooks are posted: `http://127.0.0.1:<port>/webhooks/github`; null keeps them in the delivery list, failed. */
  webhookUrl: string | null
  addUser: (login: string, options?: { bot?: boolean }) => WorldUser
  /** `team` is `org/slug`. The app may only look into it once it is granted `members: read`. */
  setTeam: (team: string, logins: string[]) => void
  /** One more permission for the app, in the tokens that are issued from now on. */
  grant: (permission: string, level: 'read' | 'write') => void
  /** A bare repository with these files as its first commit on `main`, the app installed on it. */
  createRepository: (
    fullName: string,
    files: Record<string, string | { content: string; mode: '100755' | '120000' }>,
    options?: { installed?: boolean; private?: boolean },
  ) => Promise<WorldRepository>
  repository: (fullName: string) => WorldRepository
  faults: FaultRule[]
  /** Tokens that were issued run out after this many seconds (3600). */
  tokenSeconds: number
  deliveries: { id: number; guid: string; event: string; action: string | null; statusCode: number; body: string }[]
  /** Posts a signed webhook and resolves with the status; the id may be given to send the same one twice. */
  deliver: (
    event: string,
    payload: Record<string, unknown>,
    options?: { guid?: string; secret?: string; body?: string; headers?: Record<string, string> },
  ) => Promise<{ status: number; body: string; guid: string }>
}

export type WorldIssue = {
  number: number
  title: string
  body: string
  labels: string[]
  state: 'open' | 'closed'
  author: WorldUser
  url: string
}
export type WorldComment = { id: number; body: string; author: string; edits: number; url: string; history: string[] }
export type WorldPull = {
  number: number
  title: string
  body: string
  head: string
  base: string
  headSha: string
  draft: boolean
  state: 'open' | 'closed'
  merged: boolean
  url: string
  author: string
  labels: string[]
}

export type WorldRepository = {
  fullName: string
  cloneUrl: string
  /** The bare repository on disk: for assertions with git. */
  gitDir: string
  setPermission: (login: string, permission: 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none') => void
  createIssue: (issue: { title: string; body: string; author?: WorldUser; labels?: string[] }) => WorldIssue
  issue: (number: number) => WorldIssue
  /** Adds the label and posts `issues.labeled` as that person did it. */
  label: (
    number: number,
    label: string,
    actor: WorldUser,
    options?: { guid?: string; deliver?: boolean },
  ) => Promise<{ status: number; body: string; guid: string }>
  unlabel: (number: number, label: string) => void
  /** Somebody writes this below the issue or pull request, and `issue_comment.created` is posted. */
  comment: (
    number: number,
    body: string,
    actor: WorldUser,
    options?: { guid?: string; deliver?: boolean },
  ) => Promise<{ status: number; body: string; guid: string }>
  comments: (number: number) => WorldComment[]
  reactions: (number: number) => { user: string; content: string }[]
  /** Somebody changes the ticket's words. Nothing is posted: the app does not ask to hear of it. */
  editIssue: (number: number, edit: { title?: string | undefined; body?: string | undefined }) => void
  /** Somebody opens a pull request for a branch that is there. Nothing is posted. */
  openPull: (pull: {
    title: string
    body: string
    head: string
    base?: string
    draft?: boolean
    author?: WorldUser
    labels?: string[]
  }) => WorldPull
  pulls: () => WorldPull[]
  checkRuns: () => {
    id: number
    name: string
    headSha: string
    status: string
    conclusion: string | null
    title: string | null
    summary: string | null
    externalId: string | null
  }[]
  /** `git` in the bare repository; rejects on a non-zero exit. */
  git: (...args: string[]) => Promise<string>
  /** A commit by somebody else, on that branch. */
  commit: (branch: string, files: Record<string, string>, message: string) => Promise<string>
  /** Somebody closes the pull request, or merges it with a real merge commit; `pull_request.closed` is posted. */
  closePull: (
    number: number,
    actor: WorldUser,
    options?: { merge?: boolean; guid?: string; deliver?: boolean },
  ) => Promise<{ status: number; body: string; guid: string }>
  archived: boolean
  /** Taking the app off the repository: its tokens then see no such repository. */
  installed: boolean
}

/**
 * What the scripted model answers to one request. A script is asked with the conversation so far; the same conversation
 * gives the same answer, so that a resumed run sees what the first would have seen.
 */
export type ScriptedTurn = {
  text?: string
  tools?: { name: string; input: unknown; id?: string }[]
  stopReason?: 'end_turn' | 'tool_use' | 'max_tokens' | 'refusal'
  /** Instead of, or in the middle of, an answer. */
  fault?:
    | { kind: 'status'; status: number; retryAfter?: string; type?: string }
    | { kind: 'cut'; afterEvents: number } // the stream's connection closes
    | { kind: 'error_event'; type: string; afterEvents: number } // `event: error` after a 200
    | { kind: 'drip'; msPerByte: number }
    | { kind: 'hang' }
    | { kind: 'no_usage' }
    | { kind: 'raw'; body: string } // whatever, for malformed output
}

export type ScriptRequest = {
  model: string
  system: string
  /** How many assistant turns the conversation has: 0 for the first call. */
  turn: number
  /** How often exactly this conversation was asked before: 0 at first, 1 on the first retry. */
  repeat: number
  firstMessage: string
  lastToolResults: { name: string; content: string; isError: boolean }[]
  /** What it may call. The vendor's own tools have no schema. */
  tools: { name: string; inputSchema: Record<string, unknown> | null }[]
  messages: unknown[]
}
export type Script = (request: ScriptRequest) => ScriptedTurn | Promise<ScriptedTurn>

export type WorldClaude = {
  /** For `anthropic.base_url`. */
  url: string
  apiKey: string
  script: Script
  /** Milliseconds between streamed events; 0 is instant. */
  pace: number
  /** Calls answered in full (what a real account would have been charged for), with their usage. */
  answered: {
    model: string
    turn: number
    usage: { input: number; output: number; cacheRead: number; cacheWrite: number }
  }[]
  /** Every call that came in. */
  calls: number
  /** Empties the prompt cache, and with it what a conversation costs that was held before. */
  forget: () => void
}

export type World = {
  github: WorldGitHub
  claude: WorldClaude
  requests: RecordedRequest[]
  violations: Violation[]
  /** What could be validated here: "github: specification 23.0.2; claude: own rules and the vendor's schema". */
  validation: string
  close: () => Promise<void>
}

export type StartWorld = (options: { folder: string; validate?: boolean }) => Promise<World>

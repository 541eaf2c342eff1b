/** What the development agent hands in. The field names are those that workflows and prompts use. */
export type Implementation = {
  summary: string
  pr_title: string
  pr_description: string
  commit_message: string
  files: { path: string; status: string; additions: number; deletions: number; note?: string }[]
  tests: string[]
  breaking_changes: string[]
  not_done: string[]
  /** How each acceptance criterion was met: criterion -> test, command or hunk. */
  criteria: { criterion: string; evidence: string }[]
  checks: CheckResult[]
}

/** One command that was run for evidence: recorded output, never the model's word. */
export type CheckResult = {
  name: string
  command: string
  when: 'before' | 'after'
  /** null when it was not run; `reason` says why. */
  exitCode: number | null
  timedOut: boolean
  durationMs: number
  outputTail: string
  reason?: string
}

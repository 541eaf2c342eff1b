import type { CheckResult } from '../domain/agent.ts'
import { codeOf, JourneymanError } from '../domain/errors.ts'
import type { CommandResult, Workspace } from './contract.ts'

export type OnActivity = (text: string) => void

/**
 * Runs the repository's checks for evidence: what is recorded is what came out. Whatever they write into the work tree
 * (coverage, snapshots, caches) is taken back, so that evidence never becomes part of the proposal. A check that cannot be
 * run is recorded with the reason, and is no error. Throws `stopped` and `shutting_down`.
 */
export const runChecks = async (
  workspace: Workspace,
  when: CheckResult['when'],
  signal: AbortSignal,
  onActivity: OnActivity = () => {},
): Promise<CheckResult[]> => {
  const { checks } = workspace.settings
  if (checks.length === 0) return []
  const before = await workspace.snapshot(`before the checks (${when})`)
  const results: CheckResult[] = []
  try {
    for (const { name, command, timeout_seconds } of checks) {
      onActivity(`Running ${name}`)
      const timeoutMs = timeout_seconds * 1000
      results.push(await runRecorded(workspace, { name, command, when, timeoutMs }, signal))
    }
  } finally {
    await workspace.restore(before.commit)
  }
  return results
}

/**
 * Makes the work tree ready, as the repository's settings say. The first command that fails ends it; the rest is recorded
 * as not run.
 */
export const runSetup = async (
  workspace: Workspace,
  limits: { timeoutMs: number },
  signal: AbortSignal,
  onActivity: OnActivity = () => {},
): Promise<CheckResult[]> => {
  const results: CheckResult[] = []
  for (const command of workspace.settings.setup) {
    const check = { name: 'set-up', command, when: 'before' as const, timeoutMs: limits.timeoutMs }
    const broken = results.find((result) => result.exitCode !== 0)
    if (broken) {
      results.push(notRun(check, broken.reason ?? `it was not run: "${broken.command}" failed before it`))
      continue
    }
    onActivity(`Setting up: ${command.slice(0, 60)}`)
    results.push(await runRecorded(workspace, check, signal))
  }
  await workspace.ready()
  return results
}

type Check = { name: string; command: string; when: CheckResult['when']; timeoutMs: number }

const maxOutputBytes = 64 * 1024
const maxTailLetters = 4_000

const runRecorded = async (workspace: Workspace, check: Check, signal: AbortSignal): Promise<CheckResult> => {
  try {
    const network = workspace.settings.allowed_domains.length > 0
    const { command, timeoutMs } = check
    return recorded(check, await workspace.run({ command, timeoutMs, signal, maxOutputBytes, network }))
  } catch (error) {
    if (codeOf(error) !== 'sandbox_unavailable' || !(error instanceof JourneymanError)) throw error
    return notRun(check, `checks were not run: ${error.message}`)
  }
}

const recorded = (check: Check, result: CommandResult): CheckResult => ({
  name: check.name,
  command: check.command,
  when: check.when,
  exitCode: result.exitCode,
  timedOut: result.timedOut,
  durationMs: result.durationMs,
  outputTail: tailOf(result.output),
  ...(result.exitCode === null && { reason: endOf(check, result) }),
})

const endOf = (check: Check, result: CommandResult): string =>
  result.timedOut
    ? `it was ended after ${Math.round(check.timeoutMs / 1000)} seconds`
    : `it was ended by ${result.signal ?? 'an unknown signal'}`

const notRun = (check: Check, reason: string): CheckResult => ({
  name: check.name,
  command: check.command,
  when: check.when,
  exitCode: null,
  timedOut: false,
  durationMs: 0,
  outputTail: '',
  reason,
})

/** The end of the output as plain text: no colours, no cursor movements, nothing that cannot be seen. */
const tailOf = (output: string): string => {
  const plain = output
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is removed
    .replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])/g, '')
    .replace(/\r\n?/g, '\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
    .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
    .trimEnd()
  if (plain.length <= maxTailLetters) return plain
  const tail = plain.slice(-maxTailLetters)
  return `…${tail.slice(tail.indexOf('\n'))}`
}

import type { CheckResult, Implementation } from '../domain/agent.ts'
import { formatUsd } from '../domain/money.ts'
import type { Run } from '../domain/run.ts'
import type { Task } from '../domain/task.ts'
import { disarm, fenced, inlineCode } from './disarm.ts'
import { duration, plural } from './wording.ts'

export type PullRequestFacts = {
  run: Run
  task: Task | null
  description: string
  implementation: Implementation | null
  files: { path: string; status: string; additions: number; deletions: number; mode: string | null }[]
  /** What a reviewer should see: a link, a new executable. */
  flagged: { path: string; message: string }[]
  checks: CheckResult[]
  models: string[]
  cost: number
  runUrl: string | null
  sandbox: { usable: boolean; kind: string; summary: string }
}

/** GitHub takes 65,536 characters; what is said of what was left out, and what the outside adds, must fit too. */
const mostCharacters = 60_000
const mostFileLines = 60

/**
 * The body of a pull request: evidence, not claims. What was run is taken from recorded output; what the agent says of its
 * work is marked as that, and disarmed.
 */
export const renderPullRequestBody = (facts: PullRequestFacts): string => {
  const before = ticket(facts)
  const after = [
    ...files(facts),
    ...list(
      'Look at these',
      facts.flagged.map((one) => `${inlineCode(one.path)}: ${one.message}`),
    ),
    ...criteria(facts.implementation),
    ...evidence(facts),
    ...list('Risks and breaking changes', facts.implementation?.breaking_changes),
    ...list('Not done', facts.implementation?.not_done),
  ]
  const last = provenance(facts)
  const room = mostCharacters - [...before, ...last].join('\n\n').length
  // The words of the agent may take half of what there is: what follows them is recorded, and what they claim is not.
  const words = shortened(disarm(facts.description.trim()), room / 2, facts)
  const rest = shortened(after.join('\n\n'), room - words.length, facts)
  return [...before, words, rest, ...last].join('\n\n')
}

/** Ends what it opened: a fence that is left open would make code of all that follows. */
const shortened = (text: string, most: number, { run }: PullRequestFacts): string => {
  if (text.length <= most) return endCode(text)
  const kept = text.slice(0, Math.max(0, most)).replace(/[\ud800-\udbff]$/, '')
  return `${endCode(kept.slice(0, kept.lastIndexOf('\n') + 1) || kept)}\n\n…shortened: the whole is in the run ${run.id}.`
}

const endCode = (text: string): string => {
  let open: string | null = null
  for (const line of text.split('\n')) {
    const [, mark, rest] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? []
    if (mark === undefined) continue
    if (open === null) open = mark
    else if (mark[0] === open[0] && mark.length >= open.length && rest?.trim() === '') open = null
  }
  return open === null ? text : `${text}\n${open}`
}

const ticket = ({ task }: PullRequestFacts): string[] => {
  if (!task) return []
  // A bare "#12" closes nothing; the word does, when a human merges.
  return [`Closes #${task.key}: ${disarm(task.title)}`]
}

const files = (facts: PullRequestFacts): string[] => {
  const notes = new Map((facts.implementation?.files ?? []).map((file) => [file.path, file.note]))
  const lines = facts.files.slice(0, mostFileLines).map((file) => {
    const note = notes.get(file.path)
    const odd =
      file.mode === '120000'
        ? ' · symbolic link'
        : file.mode === '100755' && file.status === 'added'
          ? ' · executable'
          : ''
    return `- ${inlineCode(file.path)} · ${file.status} · +${file.additions} −${file.deletions}${odd}${note ? ` · ${disarm(note)}` : ''}`
  })
  const left = facts.files.length - lines.length
  if (left > 0) lines.push(`- and ${plural(left, 'more file')}`)
  return [`### Files\n\n${lines.join('\n')}`]
}

const criteria = (implementation: Implementation | null): string[] => {
  if (!implementation || implementation.criteria.length === 0) return []
  const rows = implementation.criteria.map((one) => `| ${cell(one.criterion)} | ${cell(one.evidence)} |`)
  return [
    `### Acceptance criteria\n\n| criterion | where it is met, as the agent says |\n| --- | --- |\n${rows.join('\n')}`,
  ]
}

const evidence = ({ checks, sandbox }: PullRequestFacts): string[] => {
  if (checks.length === 0) {
    const why = sandbox.usable ? 'the repository names none, and none were detected' : sandbox.summary
    return [`### What was run\n\nChecks were not run: ${disarm(why)}.`]
  }
  const commands = [...new Set(checks.map((check) => check.command))]
  const rows = commands.map((command) => {
    const at = (when: CheckResult['when']) =>
      outcome(checks.findLast((check) => check.command === command && check.when === when))
    return `| ${inlineCode(command).replaceAll('|', '\\|')} | ${at('before')} | ${at('after')} |`
  })
  const failed = checks.filter((check) => check.when === 'after' && check.exitCode !== 0 && check.exitCode !== null)
  const tails = failed.map(
    (check) =>
      `<details><summary>Output of ${escapeHtml(check.command)}</summary>\n\n${fenced(check.outputTail.slice(-3000))}\n\n</details>`,
  )
  const how = sandbox.kind === 'none' ? '\n\nThese ran **without a sandbox**, as this installation asks for.' : ''
  return [`### What was run\n\n| command | before | after |\n| --- | --- | --- |\n${rows.join('\n')}${how}`, ...tails]
}

const outcome = (check: CheckResult | undefined): string => {
  if (!check) return '–'
  if (check.exitCode === null && !check.timedOut) return `not run: ${cell(check.reason ?? 'no reason was recorded')}`
  const time = duration(check.durationMs)
  if (check.timedOut) return `❌ did not end within ${time}`
  return check.exitCode === 0 ? `✅ exit 0 · ${time}` : `❌ exit ${check.exitCode} · ${time}`
}

const list = (heading: string, items: string[] | undefined): string[] =>
  items && items.length > 0 ? [`### ${heading}\n\n${items.map((item) => `- ${disarm(item)}`).join('\n')}`] : []

const provenance = (facts: PullRequestFacts): string[] => {
  const { run, models } = facts
  const parts = [
    `asked for by ${run.actor.login}`,
    models.length > 0 ? models.join(', ') : null,
    formatUsd(facts.cost),
    facts.runUrl === null ? `run ${run.id}` : `[run ${run.id}](${facts.runUrl})`,
  ]
  const read = facts.task
    ? `Untrusted sources read: the text of #${facts.task.key} by ${facts.task.reporter ?? 'an unknown author'}, and the repository itself.`
    : 'Untrusted sources read: the repository itself.'
  return [
    `---\n${read}\n\nWritten by Journeyman · ${parts.filter((part) => part !== null).join(' · ')}. A human merges.`,
  ]
}

const cell = (text: string): string =>
  disarm(text)
    .replaceAll('|', '&#124;')
    .replace(/\s*\n\s*/g, ' ')
const escapeHtml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

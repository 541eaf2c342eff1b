import type { Failure } from '../domain/errors.ts'
import { formatUsd } from '../domain/money.ts'
import { isLive, type Run, type StepRecord } from '../domain/run.ts'
import { disarm } from './disarm.ts'
import { duration, plural } from './wording.ts'

/** What the progress comment is drawn from: rows, and the names of the definition's steps. Never the model's words. */
export type ProgressFacts = {
  run: Run
  steps: StepRecord[]
  /** The definition's own steps in order, as people should read them. */
  plan: { name: string; description: string }[]
  cost: number
  runUrl: string | null
  sandbox: { usable: boolean; kind: string }
  now: Date
}

export const progressMarker = (runId: string): string => `<!-- journeyman:progress:${runId} -->`

/** The one comment of a run. The marker, by which it is found again, is its last line. */
export const renderProgress = (facts: ProgressFacts): string =>
  [
    headline(facts),
    '',
    ...checklist(facts),
    ...ending(facts),
    '',
    commands(facts.run),
    progressMarker(facts.run.id),
  ].join('\n')

const headline = (facts: ProgressFacts): string => {
  const { run, plan } = facts
  const finished = plan.filter((step) => isOver(stateOf(facts, step.name))).length
  const parts = [
    `**${title(run)}**`,
    plan.length > 0 ? `${finished} of ${plural(plan.length, 'step')}` : null,
    elapsed(facts),
    `${formatUsd(facts.cost)} of ${formatUsd(run.costCap)}`,
    facts.runUrl === null ? null : `[live view](${facts.runUrl})`,
  ]
  return parts.filter((part) => part !== null).join(' · ')
}

const title = (run: Run): string => {
  if (run.state === 'done') return run.links.change ? `Done: #${run.links.change.number} is ready for review` : 'Done'
  if (run.state === 'failed') return 'Failed'
  if (run.state === 'refused') return 'Not started'
  if (run.state === 'stopped') return run.stopRequestedBy ? `Stopped by ${run.stopRequestedBy}` : 'Stopped'
  if (run.state === 'parked')
    return run.wakeAt ? `Waiting until ${run.wakeAt.toISOString().slice(11, 16)} UTC` : 'Waiting'
  if (run.stopRequestedBy) return 'Stopping'
  return run.state === 'queued' && run.startedAt === null ? 'Starting' : 'Working on it'
}

const elapsed = ({ run, now }: ProgressFacts): string =>
  duration((run.finishedAt ?? now).getTime() - (run.startedAt ?? run.createdAt).getTime())

/** Finished steps and the one under way have a line each; what is still to come shares one. */
const checklist = (facts: ProgressFacts): string[] => {
  const lines: string[] = []
  const later: string[] = []
  for (const step of facts.plan) {
    const row = facts.steps.find((one) => one.address === step.name)
    const text = disarm(step.description || step.name)
    if (row) lines.push(stepLine(row, text, facts))
    else later.push(text)
  }
  if (later.length > 0 && isLive(facts.run.state)) lines.push(`- [ ] ${later.map(lowerAfterFirst).join(', ')}`)
  return lines
}

const stepLine = (row: StepRecord, text: string, facts: ProgressFacts): string => {
  const time = duration((row.finishedAt ?? facts.now).getTime() - row.startedAt.getTime())
  const cost = row.cost > 0 ? ` · ${formatUsd(row.cost)}` : ''
  if (row.state === 'done') return `- [x] ${text} · ${time}${cost}`
  if (row.state === 'skipped') return `- [x] ~~${text}~~ · skipped${row.reason ? `: ${disarm(row.reason)}` : ''}`
  if (row.state === 'failed') return `- [ ] ${text} · **failed** · ${time}${cost}`
  const activity = row.activity ? ` · ${disarm(row.activity)}` : ''
  const again = row.attempts > 1 ? ` · attempt ${row.attempts}` : ''
  return `- [ ] **${text}** · ${time}${cost}${again}${activity}`
}

const lowerAfterFirst = (text: string, index: number): string =>
  index === 0 ? text : text.charAt(0).toLowerCase() + text.slice(1)

const ending = ({ run, sandbox }: ProgressFacts): string[] => {
  const lines: string[] = []
  if (run.links.change && run.state !== 'done') lines.push('', `Pull request: #${run.links.change.number}`)
  if (run.failure && !isLive(run.state) && run.state !== 'stopped') {
    const { message, nextAction } = presentable(run.failure)
    lines.push('', `> ${disarm(message).replaceAll('\n', '\n> ')}`)
    if (nextAction) lines.push('', `**What you can do:** ${disarm(nextAction)}`)
  }
  if (sandbox.kind === 'none')
    lines.push('', '⚠️ This installation runs commands **without a sandbox** (`sandbox: none`).')
  else if (!sandbox.usable) lines.push('', '⚠️ No sandbox is available here: commands and checks are not run.')
  return lines
}

/** A defect speaks of our insides, which are nobody's business here. */
const presentable = (failure: Failure): Pick<Failure, 'message' | 'nextAction'> =>
  failure.code === 'internal'
    ? {
        message: 'A defect of Journeyman ended the run.',
        nextAction: 'Whoever runs this installation finds the reason in its log, by the number of the run.',
      }
    : failure

const commands = (run: Run): string => (isLive(run.state) ? '`/ai stop`' : '`/ai run` · or put the label `ai` on again')

const stateOf = (facts: ProgressFacts, name: string) => facts.steps.find((row) => row.address === name)?.state

const isOver = (state: StepRecord['state'] | undefined): boolean => state === 'done' || state === 'skipped'

import type { Failure } from '../domain/errors.ts'
import { formatUsd } from '../domain/money.ts'
import { isLive } from '../domain/run.ts'
import { approvalBlocks } from './approval-block.ts'
import { checklist, isOver } from './checklist.ts'
import { disarm } from './disarm.ts'
import type { ProgressFacts } from './progress-facts.ts'
import { undone } from './undone.ts'
import { waitTitle } from './waiting.ts'
import { duration, plural, shorten } from './wording.ts'

export const progressMarker = (runId: string): string => `<!-- journeyman:progress:${runId} -->`

const mostMessageCharacters = 3_000

/** The one comment of a run. The marker, by which it is found again, is its last line. */
export const renderProgress = (facts: ProgressFacts): string =>
  [
    renderHeadline(facts),
    '',
    ...checklist(facts),
    ...(isLive(facts.run.state) ? approvalBlocks(facts) : []),
    ...undone(facts),
    ...ending(facts),
    '',
    commands(facts),
    progressMarker(facts.run.id),
  ].join('\n')

/** Where the run stands, in one line. */
export const renderHeadline = (facts: ProgressFacts): string => {
  const { run, plan, steps } = facts
  const states = new Map(steps.map((row) => [row.address, row.state]))
  const finished = plan.filter((step) => isOver(states.get(step.name))).length
  const parts = [
    `**${progressTitle(facts)}**`,
    plan.length > 0 ? `${finished} of ${plural(plan.length, 'step')}` : null,
    elapsed(facts),
    `${formatUsd(facts.cost)} of ${formatUsd(run.costCap)}`,
    facts.runUrl === null ? null : `[live view](${facts.runUrl})`,
  ]
  return parts.filter((part) => part !== null).join(' · ')
}

export const progressTitle = (facts: ProgressFacts): string => {
  const { run } = facts
  if (run.state === 'done') return run.links.change ? `Done: #${run.links.change.number} is ready for review` : 'Done'
  if (run.state === 'failed') return run.failure?.code === 'rejected' ? 'Rejected' : 'Failed'
  if (run.state === 'refused') return 'Not started'
  if (run.state === 'stopped') return run.stopRequestedBy ? `Stopped by ${disarm(run.stopRequestedBy)}` : 'Stopped'
  if (run.stopRequestedBy) return 'Stopping'
  if (run.state === 'parked') return waitTitle(facts)
  return run.state === 'queued' && run.startedAt === null ? 'Starting' : 'Working on it'
}

const elapsed = ({ run, now }: ProgressFacts): string =>
  duration((run.finishedAt ?? now).getTime() - (run.startedAt ?? run.createdAt).getTime())

const ending = ({ run, sandbox }: ProgressFacts): string[] => {
  const lines: string[] = []
  if (run.links.change && run.state !== 'done') lines.push('', `Pull request: #${run.links.change.number}`)
  if (run.failure && !isLive(run.state) && run.state !== 'stopped') {
    const { message, nextAction } = presentable(run.failure)
    lines.push('', `> ${disarm(shorten(message, mostMessageCharacters)).replaceAll('\n', '\n> ')}`)
    if (nextAction) lines.push('', `**What you can do:** ${disarm(shorten(nextAction, mostMessageCharacters))}`)
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

const commands = ({ run, approvals, steps }: ProgressFacts): string => {
  if (isLive(run.state)) {
    const asks = approvals.some(({ state }) => state === 'waiting')
    return asks ? '`/ai approve` · `/ai reject` · `/ai stop` · `/ai help`' : '`/ai stop` · `/ai help`'
  }
  // What was undone leaves nothing to go on from.
  const isWhole = !steps.some(({ address }) => address.startsWith('@rollback/'))
  const retry = isWhole && (run.state === 'failed' || run.state === 'stopped') ? '`/ai retry` · ' : ''
  return `${retry}\`/ai run\`${labelOf(run)}`
}

/** How it was started, where a label has: of another event nothing is known that a person could do again. */
const labelOf = ({ event }: ProgressFacts['run']): string => {
  if (event.name === 'command.given') return ' · or put the label `ai` on again'
  const { label } = event.fields
  return label !== undefined && /^[\w:. -]+$/.test(label) ? ` · or put the label \`${label}\` on again` : ''
}

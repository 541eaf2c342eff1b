import { duration } from '../domain/duration.ts'
import { formatUsd, microUsd } from '../domain/money.ts'
import { type FailedAttempt, isLive } from '../domain/run.ts'
import type { ApprovalAsked, RunView } from '../operate/show-run.ts'
import type { StepNode } from '../operate/step-tree.ts'
import { drawBreakers, tookOf } from './run-list-screen.ts'
import { oneLine, plainText, type Screen, type Style } from './screen.ts'
import { stateStyle, stepMarks } from './state-style.ts'

type Look = Pick<Screen, 'columns' | 'style'>

/** One run: where it stands, its steps as a tree, what it waits for and what can be said to it. */
export const drawRun = (view: RunView, look: Look, now = new Date(view.now)): string[] => [
  ...drawHead(view, look, now),
  '',
  ...view.steps.flatMap((step) => drawStep(step, 0, look, now)),
  ...view.approvals.flatMap((approval) => drawApproval(view.run.id, approval, look)),
  ...drawEnd(view, look.style),
  ...drawBreakers(view.breakers, look.style),
]

const drawHead = ({ run }: RunView, { columns, style }: Look, now: Date): string[] => {
  const money = `${formatUsd(microUsd(run.costUsd))} of ${formatUsd(microUsd(run.costCapUsd))}`
  const about = run.subject.startsWith('request/') ? run.repository : `${run.repository} ${run.subject}`
  const links = [run.links.change?.url, run.links.commentUrl].filter((url) => url !== undefined)
  const inputs = Object.entries(run.event === 'api.requested' ? run.inputs : {})
  const given = inputs.map(([name, value]) => `${name}=${oneLine(value, 40)}`).join(' ')
  return [
    `${style('bold', run.workflow)} ${run.id}`,
    `${stateStyle(run.state, style)} · ${tookOf(run, now)} · ${money} · ${oneLine(about, columns)}`,
    style('dim', oneLine(`asked for by ${run.by} (${run.event})${given === '' ? '' : ` with ${given}`}`, columns)),
    ...links.map((url) => style('dim', plainText(url))),
  ]
}

const drawStep = (step: StepNode, depth: number, look: Look, now: Date): string[] => {
  const { mark, format } = stepMarks[step.state]
  const indent = '  '.repeat(depth + 1)
  const label = oneLine(step.label, 60)
  const facts = [timeOf(step, now), step.costUsd > 0 ? formatUsd(microUsd(step.costUsd)) : null, againOf(step)]
  const known = facts.filter((fact) => fact !== null).join(' · ')
  const head = `${indent}${mark} ${label}${known === '' ? '' : ` · ${known}`}`
  const room = look.columns - head.length - 3
  const note = step.note !== null && room >= 12 ? ` · ${oneLine(step.note, room)}` : ''
  const line = `${indent}${look.style(format, mark)} ${step.state === 'running' ? look.style('bold', label) : label}${look.style('dim', `${known === '' ? '' : ` · ${known}`}${note}`)}`
  const tries = step.failedAttempts.slice(-mostTries).map((failed) => drawTry(failed, indent, look))
  return [line, ...tries, ...step.steps.flatMap((inner) => drawStep(inner, depth + 1, look, now))]
}

/** The latest; `journeyman logs` tells all that are kept. */
const mostTries = 3

const drawTry = (failed: FailedAttempt, indent: string, { columns, style }: Look): string =>
  style(
    'dim',
    `${indent}  ${oneLine(`attempt ${failed.attempt} failed · ${failed.code}: ${failed.message}`, columns - indent.length - 3)}`,
  )

const timeOf = (step: StepNode, now: Date): string | null => {
  if (step.startedAt === null || step.state === 'skipped') return step.state === 'skipped' ? 'skipped' : null
  const end = step.finishedAt === null ? now.getTime() : Date.parse(step.finishedAt)
  return duration(Math.max(0, end - Date.parse(step.startedAt)))
}

const againOf = (step: StepNode): string | null => {
  if (step.retryInSeconds !== null && step.state === 'failed') return `again in ${Math.ceil(step.retryInSeconds)}s`
  return step.attempts > 1 ? `attempt ${step.attempts}` : null
}

const mostShownLines = 40

/** What is asked, in full up to a bound: a yes is a yes to this. */
export const drawApproval = (runId: string, approval: ApprovalAsked, { columns, style }: Look): string[] => {
  const shown = typeof approval.shown === 'string' ? approval.shown : JSON.stringify(approval.shown, null, 2)
  const lines = plainText(shown ?? '').split('\n')
  const cut = lines.length > mostShownLines ? [`… ${lines.length - mostShownLines} more lines: --json shows all`] : []
  const until = approval.expiresAt === null ? '' : `, until ${approval.expiresAt.slice(0, 16).replace('T', ' ')} UTC`
  const again = approval.asked > 1 ? `, for the ${approval.asked}. time` : ''
  return [
    '',
    style(
      'yellow',
      oneLine(
        `${approval.address} waits for approval by ${approval.approvers.join(', ') || 'anybody'}${until}${again}:`,
        columns,
      ),
    ),
    ...[...lines.slice(0, mostShownLines), ...cut].map((line) => `  │ ${line}`),
    `  journeyman approve ${runId} --step ${quoted(approval.address)}`,
    `  journeyman reject ${runId} --step ${quoted(approval.address)} "why"`,
  ]
}

/** As a shell takes it: brackets are a pattern there. */
const quoted = (address: string): string => (/^[\w/.:@-]+$/.test(address) ? address : `'${address}'`)

const drawEnd = ({ run, approvals }: RunView, style: Style): string[] => {
  if (isLive(run.state)) {
    if (run.stopRequestedBy !== null) return ['', `It is being stopped by ${run.stopRequestedBy}.`]
    if (run.state !== 'parked' || approvals.length > 0) return []
    return ['', run.wakeAt === null ? 'It waits.' : `It waits until ${run.wakeAt.slice(0, 19).replace('T', ' ')} UTC.`]
  }
  if (run.failure === null) return []
  const next = run.failure.nextAction
  return ['', style('red', plainText(run.failure.message)), ...(next ? [plainText(next)] : [])]
}

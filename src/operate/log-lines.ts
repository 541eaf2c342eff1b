import { formatUsd } from '../domain/money.ts'
import type { FailedAttempt, Run } from '../domain/run.ts'
import type { ApprovalHappening, Happenings, StepHappening } from '../store/timeline.ts'

/** One line of a run's timeline. `id` is the same whenever the same is told again. */
export type LogLine = {
  at: string
  id: string
  about: 'run' | 'step' | 'agent' | 'effect' | 'approval' | 'signal'
  /** How it is to be taken: something went well, went wrong, waits for somebody, or is just so. */
  tone: 'good' | 'bad' | 'waits' | 'plain'
  /** Where in the workflow, when it is about a step. */
  address: string | null
  text: string
}

/** In the order in which it happened. */
export const logLines = (run: Run, seen: Happenings): LogLine[] =>
  [
    ...runLines(run),
    ...seen.audit.flatMap(auditLine),
    ...seen.steps.flatMap(stepLines),
    ...seen.turns.map(turnLine),
    ...seen.failedEffects.map(failedEffectLine),
    ...seen.approvals.flatMap(approvalLines),
    ...seen.signals.map(signalLine),
  ].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))

const line = (
  at: Date,
  id: string,
  about: LogLine['about'],
  text: string,
  more: { tone?: LogLine['tone']; address?: string } = {},
): LogLine => ({
  at: at.toISOString(),
  id,
  about,
  tone: more.tone ?? 'plain',
  address: more.address ?? null,
  text,
})

const runLines = (run: Run): LogLine[] => {
  const what = `${run.workflow} on ${run.repository} ${run.subject}`
  const asked = line(run.createdAt, 'run:asked', 'run', `asked for by ${run.actor.login} (${run.event.name}): ${what}`)
  return run.startedAt === null ? [asked] : [asked, line(run.startedAt, 'run:begun', 'run', 'a worker has begun')]
}

const auditLine = (entry: Happenings['audit'][number]): LogLine[] => {
  const id = `audit:${entry.seq}`
  if (entry.action.startsWith('effect.')) {
    const key = String(entry.detail['key'] ?? '')
    // What people see of a run is redrawn every few seconds.
    if (/\.edit(:|$)/.test(key)) return []
    const found = entry.detail['how'] === 'found' ? ' (found there)' : ''
    const text = `${entry.action.slice('effect.'.length)} · ${String(entry.detail['target'] ?? key)}${found}`
    return [line(entry.at, id, 'effect', text, { tone: 'good' })]
  }
  // Approvals, and who asked for the run, tell of themselves.
  if (entry.action.startsWith('approval.') || entry.action === 'run.asked') return []
  const by = entry.actor === 'journeyman' ? '' : ` by ${entry.actor}`
  const reason = entry.detail['failure'] ?? entry.detail['code']
  const why = typeof reason === 'string' ? `: ${reason}` : ''
  const text = `${entry.action.replace(/^run\./, '').replaceAll('_', ' ')}${by}${why}`
  return [line(entry.at, id, 'run', text, { tone: toneOf(entry.action) })]
}

const toneOf = (action: string): LogLine['tone'] => {
  if (action === 'run.done') return 'good'
  return ['run.failed', 'run.refused', 'run.stopped'].includes(action) ? 'bad' : 'plain'
}

const stepLines = (step: StepHappening): LogLine[] => {
  const { address } = step
  const lines = step.failedAttempts.flatMap((failed) => failedAttemptLines(address, failed))
  const begun = new Set(lines.map(({ id }) => id))
  const first = `step:${address}:1`
  if (step.state !== 'skipped' && !begun.has(first))
    lines.push(line(step.startedAt, first, 'step', 'begun', { address }))
  if (step.attempts > 1) lines.push(beginningOf(address, step.attempts, step.attemptAt))
  return step.finishedAt === null ? lines : [...lines, endOf(step, step.finishedAt)]
}

const beginningOf = (address: string, attempt: number, at: Date): LogLine =>
  line(at, `step:${address}:${attempt}`, 'step', attempt === 1 ? 'begun' : `attempt ${attempt}`, { address })

/** The same lines that were told of it while it was the present one. */
const failedAttemptLines = (address: string, failed: FailedAttempt): LogLine[] => {
  const [begunAt, at] = [new Date(failed.begunAt), new Date(failed.at)]
  const text = `failed · ${tookFrom(begunAt, at)} · ${failed.code}: ${failed.message}`
  const id = `step:${address}:${failed.attempt}:failed`
  return [beginningOf(address, failed.attempt, begunAt), line(at, id, 'step', text, { address, tone: 'bad' })]
}

const endOf = (step: StepHappening, finishedAt: Date): LogLine => {
  const { address } = step
  const id = `step:${address}:${step.attempts}:${step.state}`
  const took = tookFrom(step.attemptAt, finishedAt)
  if (step.state === 'done') return line(finishedAt, id, 'step', `done · ${took}`, { address, tone: 'good' })
  if (step.state === 'skipped') {
    return line(finishedAt, id, 'step', `skipped${step.reason ? `: ${step.reason}` : ''}`, { address })
  }
  const again = step.retryInSeconds === null ? '' : ` · again in ${step.retryInSeconds.toFixed(0)}s`
  const text = `failed · ${took}${again} · ${step.failure?.code ?? 'internal'}: ${step.failure?.message ?? ''}`
  return line(finishedAt, id, 'step', text, { address, tone: 'bad' })
}

const tookFrom = (from: Date, to: Date): string => `${Math.max(0, (to.getTime() - from.getTime()) / 1000).toFixed(1)}s`

const turnLine = (turn: Happenings['turns'][number]): LogLine => {
  const tools = turn.tools.length > 0 ? turn.tools.join(', ') : 'words only'
  const text = `turn ${turn.ordinal + 1} · ${tools}${turn.cost > 0 ? ` · ${formatUsd(turn.cost)}` : ''}`
  return line(turn.at, `turn:${turn.agent}:${turn.ordinal}`, 'agent', text, { address: turn.address })
}

const failedEffectLine = (effect: Happenings['failedEffects'][number]): LogLine => {
  const text = `${effect.kind} · ${effect.target} · ${effect.failure.code}: ${effect.failure.message}`
  return line(effect.at, `effect:${effect.key}:${effect.at.getTime()}`, 'effect', text, { tone: 'bad' })
}

const approvalLines = (approval: ApprovalHappening): LogLine[] => {
  const { address, asked } = approval
  const id = `approval:${address}:${asked}`
  const again = asked > 1 ? ` (for the ${asked}. time)` : ''
  const lines = [line(approval.requestedAt, id, 'approval', `asked${again}`, { address, tone: 'waits' })]
  if (approval.decidedAt === null) return lines
  const by = approval.decidedBy ? ` by ${approval.decidedBy}` : ''
  const words = approval.comment ? `: ${approval.comment}` : ''
  const tone = approval.state === 'approved' ? 'good' : 'bad'
  const text = `${approval.state.replace('_', ' ')}${by}${words}`
  return [...lines, line(approval.decidedAt, `${id}:${approval.state}`, 'approval', text, { address, tone })]
}

const signalLine = ({ id, at, event }: Happenings['signals'][number]): LogLine =>
  line(at, `signal:${id}`, 'signal', `${event.name} by ${event.actor.login}`)

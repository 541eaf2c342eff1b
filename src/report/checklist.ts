import { parseAddress, within } from '../domain/address.ts'
import { formatUsd } from '../domain/money.ts'
import type { PlanStep } from '../domain/plan.ts'
import { isLive } from '../domain/run.ts'
import { disarm } from './disarm.ts'
import type { ProgressFacts, ShownStep } from './progress-facts.ts'
import { isComingAgain } from './waiting.ts'
import { clockTime, duration, listing, oneLine, plural } from './wording.ts'

/** More lines are no overview: of the finished ones only the latest are listed. */
const mostLines = 40
const mostInnerLines = 12
const mostNamed = 10

/**
 * Finished steps and those under way have a line each, and so has each step right inside them; what is still to come shares
 * one. A loop is one line however often it goes round.
 */
export const checklist = (facts: ProgressFacts): string[] => {
  const rows = new Map(facts.steps.map((row) => [row.address, row]))
  const plan = facts.plan.length > 0 ? facts.plan : planOfRows(facts.steps)
  const begun = plan.filter((step) => rows.has(step.name))
  const later = plan.filter((step) => !rows.has(step.name)).map(textOf)
  const folded = foldable(begun, rows)
  return [
    ...(folded.size > 0 ? [`- [x] ${plural(folded.size, 'finished step')}`] : []),
    ...begun.filter((step) => !folded.has(step)).flatMap((step) => linesOf({ facts, rows }, step, '', 0)),
    ...(later.length > 0 && isLive(facts.run.state) ? [`- [ ] ${toCome(later)}`] : []),
    ...afterwards(facts.steps),
  ]
}

export const isOver = (state: ShownStep['state'] | undefined): boolean => state === 'done' || state === 'skipped'

type Drawing = { facts: ProgressFacts; rows: Map<string, ShownStep> }

const foldable = (begun: PlanStep[], rows: Map<string, ShownStep>): Set<PlanStep> => {
  const over = begun.filter((step) => isOver(rows.get(step.name)?.state))
  return new Set(over.slice(0, Math.max(0, begun.length - mostLines)))
}

const linesOf = (drawing: Drawing, step: PlanStep, address: string, depth: number): string[] => {
  const at = address === '' ? step.name : address
  const row = drawing.rows.get(at)
  if (!row) return []
  const indent = '  '.repeat(depth)
  const line = `${indent}${stepLine(drawing, step, row, depth)}`
  if (depth > 0 || step.kind === 'loop' || row.state === 'skipped') return [line]
  const inner = step.steps.map((one) => ({ one, address: innerAddress(at, one) }))
  const begun = inner.filter((each) => drawing.rows.has(each.address))
  const lines = begun.flatMap((each) => linesOf(drawing, each.one, each.address, depth + 1))
  const later = row.state === 'running' ? inner.filter((each) => isToCome(drawing, each, begun)) : []
  const names = later.map(({ one }) => textOf(one))
  const more = lines.length - mostInnerLines
  return [
    line,
    ...lines.slice(0, mostInnerLines),
    ...(more > 0 ? [`  - and ${plural(more, 'more step')}`] : []),
    ...(names.length > 0 ? [`  - [ ] ${toCome(names)}`] : []),
  ]
}

type Inner = { one: PlanStep; address: string }

/** On the way that a conditional has not taken nothing is to come; before one is taken nobody knows. */
const isToCome = ({ rows }: Drawing, { one, address }: Inner, begun: Inner[]): boolean =>
  !rows.has(address) && (one.branch === null || begun.some((each) => each.one.branch === one.branch))

const innerAddress = (address: string, step: PlanStep): string =>
  within(step.branch === null ? address : `${address}:${step.branch}`, step.name)

const stepLine = (drawing: Drawing, step: PlanStep, row: ShownStep, depth: number): string => {
  const { now } = drawing.facts
  const text = textOf(step)
  if (row.state === 'skipped')
    return `- [x] ~~${text}~~ · skipped${row.reason ? `: ${disarm(oneLine(row.reason, 120))}` : ''}`
  const time = duration((row.finishedAt ?? now).getTime() - row.startedAt.getTime())
  const spent = costBelow(drawing, row)
  const figures = [time, spent > 0 ? formatUsd(spent) : null].filter((one) => one !== null).join(' · ')
  const rounds = step.kind === 'loop' ? roundsOf(drawing, step, row) : ''
  if (row.state === 'done') return `- [x] ${text}${rounds}${answerOf(drawing, row)} · ${figures}`
  const again = row.attempts > 1 ? ` · attempt ${row.attempts}` : ''
  if (isComingAgain(row)) {
    const at = clockTime(new Date(now.getTime() + (row.retryInSeconds ?? 0) * 1000), now)
    return `- [ ] **${text}**${rounds} · ${figures}${again} · next try at ${at} (${row.failure?.code ?? 'failed'})`
  }
  if (row.state === 'failed') {
    const how = quietEnds[row.failure?.code ?? ''] ?? '**failed**'
    return `- [ ] ${text}${rounds} · ${how} · ${figures}`
  }
  const doing = row.activity ?? (depth > 0 || step.kind === 'loop' ? underWay(drawing, row.address, step) : null)
  return `- [ ] **${text}**${rounds} · ${figures}${again}${doing ? ` · ${disarm(oneLine(doing, 120))}` : ''}`
}

/** Nothing went wrong in them. */
const quietEnds: Record<string, string | undefined> = {
  cancelled: 'cancelled',
  stopped: 'stopped',
  rejected: '**rejected**',
}

/** Who has answered where somebody was asked. */
const answerOf = ({ facts }: Drawing, { address }: ShownStep): string => {
  const given = facts.approvals.find((one) => one.address === address)
  if (given?.state === 'timed_out') return ' · nobody answered in time'
  const by = given?.state === 'approved' || given?.state === 'rejected' ? given.decidedBy : null
  return by ? ` · ${given?.state} by ${disarm(oneLine(by, 60))}` : ''
}

const isBelow = (address: string, parent: string): boolean =>
  address.startsWith(parent) && ['/', '[', ':'].includes(address.charAt(parent.length))

const costBelow = ({ facts }: Drawing, row: ShownStep): number =>
  facts.steps.filter((one) => isBelow(one.address, row.address)).reduce((sum, one) => sum + one.cost, row.cost)

/** ` · 3 of 7 · the third item`. */
const roundsOf = ({ facts, rows }: Drawing, step: PlanStep, row: ShownStep): string => {
  const items = Array.isArray(row.memo?.['items']) ? (row.memo['items'] as unknown[]) : null
  if (items?.length === 0) return ' · nothing to do'
  const begun = indexesBelow(facts.steps, row.address)
  const isDone = (index: number) =>
    step.steps.every((one) => isOver(rows.get(innerAddress(`${row.address}[${index}]`, one))?.state))
  const open = begun.filter((index) => !isDone(index))
  const total = items === null ? '' : ` of ${items.length}`
  if (row.state === 'done') return items === null ? ` · ${plural(begun.length, 'time')}` : ` · ${items.length}${total}`
  const [current] = open
  if (open.length > 1) return ` · ${begun.length - open.length}${total} done, ${open.length} under way`
  if (current === undefined) return ` · ${begun.length}${total} done`
  const label = items === null ? null : labelOf(items[current])
  return ` · ${current + 1}${total}${label === null ? '' : ` · ${label}`}`
}

const indexesBelow = (steps: ShownStep[], address: string): number[] => {
  const found = new Set<number>()
  for (const one of steps) {
    if (!one.address.startsWith(`${address}[`)) continue
    found.add(Number.parseInt(one.address.slice(address.length + 1), 10))
  }
  return [...found].filter(Number.isFinite).sort((a, b) => a - b)
}

const labelKeys = ['title', 'name', 'summary', 'key', 'id', 'path']

/** What people would call an item. */
const labelOf = (item: unknown): string | null => {
  if (typeof item === 'string' || typeof item === 'number') return disarm(oneLine(String(item), 60))
  if (typeof item !== 'object' || item === null) return null
  const key = labelKeys.find(
    (one) => Object.hasOwn(item, one) && ['string', 'number'].includes(typeof (item as never)[one]),
  )
  return key === undefined ? null : disarm(oneLine(String((item as Record<string, unknown>)[key]), 60))
}

/** The innermost step that is at work below an address. */
const underWay = ({ facts }: Drawing, address: string, step: PlanStep): string | null => {
  const running = facts.steps.filter((one) => one.state === 'running' && isBelow(one.address, address))
  const deepest = running.reduce<ShownStep | null>(
    (best, one) => (best === null || depthOf(one) > depthOf(best) ? one : best),
    null,
  )
  if (deepest === null) return null
  const planned = step.steps.find((one) => one.name === deepest.name)
  const text = planned?.description ?? deepest.name
  return deepest.activity ? `${text}: ${deepest.activity}` : text
}

const depthOf = ({ address }: ShownStep): number => address.split('/').length

const toCome = (texts: string[]): string => {
  const named = texts
    .slice(0, mostNamed)
    .map((text, index) => (index === 0 ? text : text.charAt(0).toLowerCase() + text.slice(1)))
  const more = texts.length - named.length
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ')
}

const textOf = (step: PlanStep): string => disarm(oneLine(step.description || step.name, 160))

/** Where there is no plan to be had, what has been begun is all there is. */
const planOfRows = (steps: ShownStep[]): PlanStep[] =>
  steps
    .filter(({ address }) => !address.startsWith('@') && parseAddress(address)?.length === 1 && !address.includes('['))
    .map(({ name, kind }) => ({ name, description: name, kind, event: null, branch: null, steps: [] }))

/** Steps after the end speak up only where they fail. */
const afterwards = (steps: ShownStep[]): string[] => {
  const places = ['@always', '@on_success', '@on_failure']
  const failed = steps.filter(
    ({ address, state }) => state === 'failed' && places.includes(address.split('/')[0] ?? ''),
  )
  return failed.length === 0
    ? []
    : [`- [ ] After the end: ${listing(failed.slice(0, 5).map(({ name }) => `\`${name}\``))} · **failed**`]
}

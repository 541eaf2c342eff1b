import { duration } from '../domain/duration.ts'
import { formatUsd, microUsd } from '../domain/money.ts'
import type { BreakerLine } from '../operate/breaker-line.ts'
import type { RunList } from '../operate/list-runs.ts'
import type { RunLine } from '../operate/run-line.ts'
import { oneLine, type Screen, type Style } from './screen.ts'
import { stateStyle } from './state-style.ts'

/** Runs as a table: as many of its columns as fit, and what each does now beside it or below. */
export const drawRunList = (list: RunList, { columns, style }: Pick<Screen, 'columns' | 'style'>): string[] => {
  if (list.runs.length === 0) return ['No runs.', ...drawBreakers(list.breakers, style)]
  const rows = list.runs.map((run) => cells(run, new Date(list.now)))
  const { heads, widths } = fitting(rows, columns)
  const line = (row: Cells) => heads.map((head, index) => row[head].padEnd(widths[index]!)).join('  ')
  const used = widths.reduce((sum, width) => sum + width + 2, 0)
  const drawn = list.runs.flatMap((run, index) => {
    const text = oneRow(line(rows[index]!), run, style)
    if (run.now === null) return [text.trimEnd()]
    const room = columns - used
    // Beside the row where there is room for it, below it where there is not.
    if (room >= leastRoom) return [`${text}  ${style('dim', oneLine(run.now, room))}`]
    return [text.trimEnd(), style('dim', `    ${oneLine(run.now, columns - 4)}`)]
  })
  const names = Object.fromEntries(heads.map((head) => [head, head])) as Cells
  return [style('dim', line(names).trimEnd()), ...drawn, ...drawBreakers(list.breakers, style)]
}

const leastRoom = 24

const allHeads = ['run', 'state', 'workflow', 'about', 'by', 'began', 'took', 'cost'] as const
type Head = (typeof allHeads)[number]
type Cells = Record<Head, string>

/** What is done without first where the width is small. */
const dispensable: Head[] = ['by', 'began', 'workflow', 'took', 'cost', 'about']

const fitting = (rows: Cells[], columns: number): { heads: Head[]; widths: number[] } => {
  let heads: Head[] = [...allHeads]
  const widthOf = (head: Head) => Math.max(head.length, ...rows.map((row) => [...row[head]].length))
  const total = () => heads.reduce((sum, head) => sum + widthOf(head) + 2, -2)
  for (const head of dispensable) if (total() > columns) heads = heads.filter((one) => one !== head)
  return { heads, widths: heads.map(widthOf) }
}

const cells = (run: RunLine, now: Date): Cells => ({
  run: run.id,
  state: run.state,
  workflow: oneLine(run.workflow, 32),
  about: oneLine(`${run.repository} ${run.subject.startsWith('request/') ? '' : run.subject}`, 48),
  by: oneLine(run.by, 24),
  began: `${duration(now.getTime() - Date.parse(run.createdAt))} ago`,
  took: tookOf(run, now),
  cost: formatUsd(microUsd(run.costUsd)),
})

const oneRow = (text: string, run: RunLine, style: Style): string =>
  text.replace(new RegExp(`(?<=^\\S+ +)${run.state}`), stateStyle(run.state, style))

export const tookOf = (run: RunLine, now: Date): string => {
  if (run.startedAt === null) return '-'
  const end = run.finishedAt === null ? now.getTime() : Date.parse(run.finishedAt)
  return duration(Math.max(0, end - Date.parse(run.startedAt)))
}

/** Services that are not called just now, and why. */
export const drawBreakers = (breakers: BreakerLine[], style: Style): string[] => {
  if (breakers.length === 0) return []
  const lines = breakers.map((breaker) => {
    const what = breaker.state === 'open' ? 'is not called' : 'is tried with one call'
    const until = breaker.retryAt === null ? '' : ` until ${breaker.retryAt.slice(11, 19)} UTC`
    const why = breaker.lastFailure === null ? '' : `: ${oneLine(breaker.lastFailure, 120)}`
    return style('yellow', `! ${breaker.service} ${what}${until}, after ${breaker.failures} failures${why}`)
  })
  return ['', ...lines]
}

import type { MachineFacts } from './machine-facts.ts'
import { judge, type Result } from './measurement.ts'

const marks = { goal: 'goal', floor: 'floor', missed: 'MISSED' }

/** The table for people, as Markdown, so that it can be put into a README as it is. */
export const tableOf = (results: Result[], machine: MachineFacts): string =>
  [
    `${machine.cores} cores (${machine.processor}), ${machine.memoryMb} MB, Node ${machine.node}, ${machine.date.slice(0, 10)}, load before ${machine.loadBefore}`,
    'PostgreSQL runs beside it on loopback and syncs nothing to disk, but where the row says so; PGlite never does.',
    '',
    '| what | measured | must | want | met | how |',
    '| --- | ---: | ---: | ---: | --- | --- |',
    ...results.map(rowOf),
  ].join('\n')

const rowOf = (result: Result): string => {
  const met = judge(result)
  const { name, value, unit, floor, goal, note } = result
  const bar = (limit: number | null): string => (limit === null ? '' : shown(limit))
  const cells = [name, `${shown(value)} ${unit}`, bar(floor), bar(goal), met === null ? '' : marks[met], note ?? '']
  return `| ${cells.join(' | ')} |`
}

export const jsonOf = (results: Result[], machine: MachineFacts): string =>
  JSON.stringify({ machine, results: results.map((result) => ({ ...rounded(result), met: judge(result) })) })

const rounded = (result: Result): Result => ({
  ...result,
  value: round(result.value),
  ...(result.p50 !== undefined && { p50: round(result.p50) }),
  ...(result.p99 !== undefined && { p99: round(result.p99) }),
})

const round = (value: number): number => Number(value.toPrecision(4))

const shown = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))

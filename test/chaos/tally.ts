import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { CrashPoint } from '../../src/domain/crash-point.ts'
import type { Batch } from './kill-batch.ts'

type Row = { kills: number; runs: number; resumes: number; violations: number; seconds: number[] }
export type Tally = Map<CrashPoint, Row>

/** A violation is counted at the points that killed a worker under its run, or at all of the seed where it names none. */
export const countKills = (tally: Tally, batch: Batch): void => {
  for (const { point, death } of batch.kills) {
    const row = tally.get(point) ?? { kills: 0, runs: 0, resumes: 0, violations: 0, seconds: [] }
    const held = [...(death?.held.keys() ?? [])]
    const resumed = [...(death?.resumedAfter.values() ?? [])]
    row.kills += 1
    row.runs += held.length
    row.resumes += resumed.length
    row.seconds.push(...resumed)
    row.violations += batch.faults.filter(
      ({ what }) => !what.includes('run_') || held.some((id) => what.includes(id)),
    ).length
    tally.set(point, row)
  }
}

/** One row for each point; printed, and written as Markdown and as JSON beside it where a file is named. */
export const writeTable = async (
  kind: string,
  tally: Tally,
  batches: { seed: number; batch: Batch }[],
  file: string | null,
): Promise<void> => {
  const rows = [...tally].toSorted(([one], [other]) => (one < other ? -1 : 1))
  const markdown = [
    `| point (${kind}) | kills | runs under way | resumed | violations | median seconds to resume |`,
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(
      ([point, row]) =>
        `| ${point} | ${row.kills} | ${row.runs} | ${row.resumes} | ${row.violations} | ${medianOf(row.seconds)} |`,
    ),
    totalOf(tally, batches),
  ].join('\n')
  process.stdout.write(`\n${markdown}\n\n`)
  if (file === null) return
  await mkdir(dirname(file), { recursive: true })
  const base = file.replace(/\.md$/, '')
  await writeFile(`${base}-${kind}.md`, `${markdown}\n`)
  await writeFile(`${base}-${kind}.json`, `${JSON.stringify(factsOf(kind, tally, batches), null, 2)}\n`)
}

const totalOf = (tally: Tally, batches: { batch: Batch }[]): string => {
  const all = [...tally.values()]
  const sum = (of: (row: Row) => number): number => all.reduce((total, row) => total + of(row), 0)
  const violations = batches.reduce((total, { batch }) => total + batch.faults.length, 0)
  const median = medianOf(all.flatMap((row) => row.seconds))
  return `| all ${all.length} points | ${sum((row) => row.kills)} | ${sum((row) => row.runs)} | ${sum((row) => row.resumes)} | ${violations} | ${median} |`
}

const factsOf = (kind: string, tally: Tally, batches: { seed: number; batch: Batch }[]) => ({
  database: kind,
  points: Object.fromEntries(
    [...tally].map(([point, { seconds, ...counts }]) => [point, { ...counts, median_seconds: medianOf(seconds) }]),
  ),
  seeds: batches.map(({ seed, batch: { kills, ...batch } }) => ({ seed, kills: kills.length, ...batch })),
})

const medianOf = (numbers: readonly number[]): string => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)]
  return middle === undefined ? '–' : middle.toFixed(1)
}

import { expect } from 'vitest'
import type { DeepPartial } from '../../src/config/load-config.ts'
import type { Config } from '../../src/config/schema.ts'
import type { CrashPoint } from '../../src/domain/crash-point.ts'
import type { Database } from '../../src/store/database.ts'
import { chaosOptions } from './chaos-options.ts'
import { type Batch, killBatch } from './kill-batch.ts'
import { openGround } from './open-ground.ts'
import { seededRandom } from './seeded-random.ts'
import { countKills, type Tally, writeTable } from './tally.ts'

/** On PostgreSQL several processes share the work; the embedded database has one, which is started again. */
const staffOf = { pglite: { workers: 1, runs: 5 }, postgres: { workers: 2, runs: 6 } }

/** Every point once for each seed, each seed on a world and a database of its own, until the time is up. */
export const runChaos = async (kind: Database['kind']): Promise<void> => {
  const options = chaosOptions(kind)
  const tally: Tally = new Map()
  const latest = Date.now() + options.minutes * 60_000
  const batches: { seed: number; batch: Batch }[] = []
  for (let seed = options.seed; seed < options.seed + options.rounds && Date.now() < latest; seed++) {
    const batch = await oneBatch(kind, options.points(seed), seed)
    batches.push({ seed, batch })
    countKills(tally, batch)
    process.stdout.write(`${lineOf(kind, seed, batch)}\n`)
  }
  await writeTable(kind, tally, batches, options.table)
  expect(
    batches.flatMap(({ seed, batch }) => batch.faults.map((fault) => ({ ...fault, again: again(kind, seed) }))),
  ).toEqual([])
}

/** The same for one seed. */
export const oneBatch = async (
  kind: Database['kind'],
  points: readonly CrashPoint[],
  seed: number,
  overrides: DeepPartial<Config> = {},
): Promise<Batch> => {
  const ground = await openGround(kind, { overrides })
  try {
    return await killBatch(ground, points, seededRandom(seed), {
      ...staffOf[kind],
      ...(chaosOptions(kind).verbose && { tell }),
    })
  } finally {
    await ground.close()
  }
}

const tell = (line: string): void => void process.stdout.write(`    ${line}\n`)

const again = (kind: Database['kind'], seed: number): string =>
  `CHAOS_SEED=${seed} CHAOS_ROUNDS=1 CHAOS_DATABASE=${kind} npm run chaos`

const lineOf = (kind: Database['kind'], seed: number, batch: Batch): string => {
  const { kills, runs, faults, notReached, seconds } = batch
  const missed = notReached.length > 0 ? `, not reached: ${notReached.join(', ')}` : ''
  const broken = faults.length > 0 ? `, ${faults.length} VIOLATIONS. Again: ${again(kind, seed)}` : ''
  const told = faults.map((fault) => `\n    ${fault.invariant} ${fault.what}`).join('')
  return `  ${kind} seed ${seed}: ${kills.length} kills, ${runs} runs, ${seconds.toFixed(0)} s${missed}${broken}${told}`
}

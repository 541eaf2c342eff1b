import { type CrashPoint, crashPoints } from '../../src/domain/crash-point.ts'
import type { Database } from '../../src/store/database.ts'

export type ChaosOptions = {
  /** The first seed, and how many of them. */
  seed: number
  rounds: number
  /** For each database; the seed that is under way is brought to its end. */
  minutes: number
  database: Database['kind'] | null
  /** For a seed. */
  points: (seed: number) => readonly CrashPoint[]
  /** Where the table is written, as Markdown and as JSON beside it; nowhere without it. */
  table: string | null
  /** Each kill as it happens. */
  verbose: boolean
}

/**
 * Without being asked for anything else: twenty seeds between the two, so that each place is met twenty times and the whole
 * takes about half an hour on two processors. The embedded database takes nearly twice as long for one.
 */
const byItself = { postgres: { seed: 1, rounds: 13 }, pglite: { seed: 14, rounds: 7 } }

/** `CHAOS_SEED`, `CHAOS_ROUNDS`, `CHAOS_MINUTES`, `CHAOS_DATABASE`, `CHAOS_POINTS`, `CHAOS_TABLE`, `CHAOS_VERBOSE`. */
export const chaosOptions = (kind: Database['kind'], environment: NodeJS.ProcessEnv = process.env): ChaosOptions => {
  const database = environment['CHAOS_DATABASE'] ?? null
  if (database !== null && database !== 'pglite' && database !== 'postgres')
    throw new Error('CHAOS_DATABASE is pglite or postgres.')
  const points = pointsOf(environment['CHAOS_POINTS'])
  return {
    seed: Number(environment['CHAOS_SEED'] ?? byItself[kind].seed),
    rounds: Number(environment['CHAOS_ROUNDS'] ?? (environment['CHAOS_SEED'] ? 20 : byItself[kind].rounds)),
    minutes: Number(environment['CHAOS_MINUTES'] ?? 28),
    database,
    points,
    table: environment['CHAOS_TABLE'] ?? null,
    verbose: environment['CHAOS_VERBOSE'] !== undefined,
  }
}

/** Those at which the most different things are open; with every fifth seed all others too, so that half an hour is about enough. */
const inEverySeed: readonly CrashPoint[] = [
  'claim.after',
  'step.before',
  'step.after',
  'model.before',
  'model.after',
  'turn.after',
  'tool.after',
  'snapshot.after',
  'commit.after',
  'push.sent',
  'pull_request.sent',
  'comment.sent',
  'effect.sent',
  'settle.before',
  'settle.after',
  'ingest.committed',
  'command.taken',
  'complete.before',
  'complete.after',
  'park.after',
  'approval.asked',
  'signal.taken',
  'reopen.before',
  'rollback.before',
  'rollback.after',
  'slot.freed',
]
const everyPointEach = 5

const pointsOf = (asked: string | undefined): ChaosOptions['points'] => {
  if (asked === undefined) return (seed) => (seed % everyPointEach === 0 ? crashPoints : inEverySeed)
  if (asked === 'all') return () => crashPoints
  const names = asked.split(',')
  const unknown = names.find((name) => !crashPoints.some((known) => known === name))
  if (unknown !== undefined) throw new Error(`There is no crash point ${unknown}.`)
  return () => names as CrashPoint[]
}

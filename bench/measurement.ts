import type { Bench } from './open-bench.ts'

/** One figure, with the floor that must be met and the goal that is wanted; null where neither was set. */
export type Result = {
  name: string
  value: number
  unit: string
  p50?: number
  p99?: number
  floor: number | null
  goal: number | null
  better: 'higher' | 'lower'
  /** How it was taken, in a few words, for whoever compares. */
  note?: string
}

export type Measurement = {
  /** For `--only`. */
  name: string
  measure: (bench: Bench) => Promise<Result[]>
}

/** null: there is nothing to be met. */
export type Met = 'goal' | 'floor' | 'missed' | null

export const judge = ({ value, floor, goal, better }: Result): Met => {
  const reaches = (bar: number | null): boolean => bar !== null && (better === 'higher' ? value >= bar : value <= bar)
  if (floor === null && goal === null) return null
  if (reaches(goal)) return 'goal'
  return reaches(floor) ? 'floor' : 'missed'
}

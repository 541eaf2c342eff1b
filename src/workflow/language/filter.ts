import type { Meter } from './meter.ts'

/**
 * A filter over plain data. `params` names its arguments in order, so that each can be given by name too. A filter makes
 * nothing before the meter knows how much, runs no pattern over data that could take more than linear time, and gives the
 * same answer for the same data: hence no `random`, and no `safe`, which has no meaning where nothing is escaped.
 */
export type Filter = {
  params: string[]
  run: (input: unknown, args: unknown[], meter: Meter) => unknown
  /** What it answers to an undefined input; without it an undefined input stays undefined. */
  whenUndefined?: unknown
}

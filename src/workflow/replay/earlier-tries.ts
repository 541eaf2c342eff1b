import { holdersOf } from '../../domain/address.ts'
import { errorOf, type Failure, JourneymanError } from '../../domain/errors.ts'
import type { FailedAttempt } from '../../domain/run.ts'
import type { StepRow } from '../../store/steps.ts'

/** A try of what holds other steps that was followed by another: the run as it stood when it had failed. */
export type EarlierTry = Pick<FailedAttempt, 'finished' | 'at'>

/** Each goes through the run once more. What was done in tries beyond these is looked at as if it had been done in the last. */
const mostTries = 50

/**
 * A replay has one try of everything, and a step that was done in an earlier try of what holds it saw what there was then. So
 * each such try is gone through by itself, up to where it failed. Gives the try in which each of these steps was done.
 */
export const earlierTries = (rows: readonly StepRow[]): Map<string, EarlierTry> => {
  const byAddress = new Map(rows.map((row) => [row.address, row]))
  const found = new Map<string, EarlierTry>()
  const tries = new Set<EarlierTry>()
  for (const { address, state, finishOrder } of rows) {
    if (state !== 'done' || finishOrder === null) continue
    const around = holdersOf(address).flatMap((holder) => byAddress.get(holder)?.failedAttempts ?? [])
    const [first] = around.filter(({ finished }) => finished >= finishOrder).sort((a, b) => a.finished - b.finished)
    if (first && (tries.has(first) || tries.size < mostTries)) found.set(address, first)
    if (first && tries.size < mostTries) tries.add(first)
  }
  return found
}

/** What a step had come to by the end of that try. Throws how it had failed, or that it was not begun. */
export const resultAsOf = (row: StepRow | undefined, { finished, at }: EarlierTry): unknown => {
  if (row?.state === 'done' && row.finishOrder !== null && row.finishOrder <= finished) return row.result
  const last = row?.failedAttempts.filter((failed) => micros(failed.at) <= micros(at)).at(-1)
  if (last) throw errorOf({ code: last.code as Failure['code'], message: last.message })
  if (row?.state === 'failed' && row.failure && (row.finishedAt?.getTime() ?? Infinity) <= Date.parse(at)) {
    throw errorOf(row.failure)
  }
  throw new JourneymanError('cancelled', 'It was not begun in that try.')
}

/** One try may follow another within a thousandth of a second. */
const micros = (time: string): number => {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? ''
  return Math.floor(Date.parse(time) / 1000) * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, '0'))
}

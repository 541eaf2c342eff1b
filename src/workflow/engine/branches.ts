import { crashPoint } from '../../domain/crash-point.ts'
import { errorOf, failureOf, JourneymanError } from '../../domain/errors.ts'
import type { Execution } from './execution.ts'
import { isInterruption } from './interruption.ts'
import { ParkRequest } from './park-request.ts'
import { everything, type StepsView, viewWithout } from './step-facts.ts'
import type { Left, Variables } from './variables.ts'

/** One of several ways that a run goes at the same time. */
export type Branch = {
  /** For people, in the reason why another was not begun. */
  name: string
  /** The address below which all of it stands; no other branch sees that. */
  place: string
  scope: (names: Record<string, () => unknown>, seen: readonly Left[]) => Variables
  run: (execution: Execution) => Promise<void>
  /** Branches, by their place in the list, that must have ended before, and which this one sees with what they have set. */
  after?: readonly number[]
  /** Whether the journal has anything of it: such a branch is always begun, to be read again or to hear of the end. */
  known: () => boolean
  /** Told where it was not begun because another has failed. */
  notBegun?: (reason: string) => Promise<void>
}

export type BranchEnd = { failed: JourneymanError | null; begun: boolean; left: Left }

/**
 * The life of a group of branches:
 *
 *   begun      in their order, so many at once; one that others need is waited for
 *   parked     while others work it is looked after every moment; when nobody works any more, the run is parked until the
 *              first of them is due
 *   failed     `failFast`: what is under way is ended with `cancelled`, what was not begun never is
 *   ended      when each has ended: what they have set is there for whoever merges it, in the order of the list
 *
 * A branch that finds its worker gone, or the process ending, takes all of them with it: another worker begins at the same place.
 */
export const runBranches = async (
  execution: Execution,
  branches: readonly Branch[],
  options: { concurrency: number; failFast: boolean },
): Promise<BranchEnd[]> => {
  const ending = new AbortController()
  const signal = AbortSignal.any([execution.signal, ending.signal])
  const ends = new Map<number, BranchEnd>()
  const parked = new Map<number, { request: ParkRequest; since: number }>()
  const working = new Map<number, { ended: Promise<void>; since: number }>()
  const waiting = new Set(branches.keys())
  // What was ended in the middle is in the journal; which of them was quicker is not to be found out again.
  const isReplay = execution.replayed !== undefined
  const viewOf = viewsOf(execution.view, branches)
  let interruption: unknown = null
  let cause: string | null = null

  const runOne = async (index: number): Promise<void> => {
    const branch = branches[index] as Branch
    const view = viewOf(index)
    const seen = (branch.after ?? []).flatMap((before) => ends.get(before)?.left ?? [])
    const scope = branch.scope({ steps: () => everything(view) }, seen)
    try {
      await branch.run({ ...execution, variables: scope, view, signal })
      ends.set(index, { failed: null, begun: true, left: scope.left() })
    } catch (error) {
      if (error instanceof ParkRequest) return void parked.set(index, { request: error, since: performance.now() })
      if (isInterruption(error)) {
        interruption ??= error
        return ending.abort(error)
      }
      const failed = error instanceof JourneymanError ? error : errorOf(failureOf(error))
      ends.set(index, { failed, begun: true, left: scope.left() })
      if (!options.failFast || cause !== null || isReplay) return
      cause = branch.name
      crashPoint('branch.cancelled')
      ending.abort(new JourneymanError('cancelled', `Ended because "${branch.name}" has failed.`))
    }
  }
  const begin = (index: number): void => {
    waiting.delete(index)
    parked.delete(index)
    const ended = runOne(index).finally(() => working.delete(index))
    working.set(index, { ended, since: performance.now() })
  }
  const mayBegin = (index: number): boolean => (branches[index]?.after ?? []).every((before) => ends.has(before))
  const beginMore = (): void => {
    for (const index of [...waiting]) {
      if (!mayBegin(index)) continue
      // One that is parked is under way: it keeps its place.
      const hasRoom = cause === null && working.size + parked.size < options.concurrency
      if (hasRoom || branches[index]?.known()) begin(index)
    }
  }

  for (;;) {
    // One that was under way has a row that must hear of the end: it is begun once more, and finds its signal aborted.
    if (ending.signal.aborted) for (const index of [...parked.keys()]) begin(index)
    if (interruption === null) beginMore()
    if (working.size === 0) break
    await raceWithin(
      parked.size > 0 ? lookAfterMs : null,
      [...working.values()].map((one) => one.ended),
    )
    const worksOn = [...working.values()].some(({ since }) => performance.now() - since >= lookAfterMs)
    if (interruption !== null || !worksOn) continue
    for (const [index, { since }] of [...parked]) if (performance.now() - since >= lookAfterMs) begin(index)
  }
  if (interruption !== null) throw interruption
  if (parked.size > 0) throw soonest(parked)
  return Promise.all(
    branches.map(async (branch, index) => {
      const end = ends.get(index)
      if (end) return end
      await branch.notBegun?.(`Not begun, because "${cause}" has failed.`)
      return { failed: null, begun: false, left: { writes: [], workedOut: new Map() } }
    }),
  )
}

/** What goes on at the same time has come so far or so far, and nobody shall see how far. */
const viewsOf = (around: StepsView, branches: readonly Branch[]): ((index: number) => StepsView) => {
  const places = new Map(branches.map(({ place }, index) => [place, index]))
  return (index) => {
    const seen = new Set<number | undefined>([undefined, index, ...(branches[index]?.after ?? [])])
    return viewWithout(around, (place) => !seen.has(places.get(place)))
  }
}

/** While others work for longer than that, what waits for an answer or an event is asked for it as often. */
const lookAfterMs = 2_000

const raceWithin = async (ms: number | null, work: readonly Promise<void>[]): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = ms === null ? undefined : setTimeout(resolve, ms)
  await Promise.race(ms === null ? work : [...work, promise])
  clearTimeout(timer)
}

const soonest = (parked: ReadonlyMap<number, { request: ParkRequest }>): ParkRequest =>
  new ParkRequest(Math.min(...[...parked.values()].map(({ request }) => request.afterSeconds)))

/** What a group fails with: what was the cause, and not what was ended because of it; in the order of the file. */
export const failureOfBranches = (
  execution: Execution,
  names: readonly string[],
  ends: readonly BranchEnd[],
): JourneymanError | null => {
  const failed = ends.flatMap((end, index) =>
    end.failed === null || end.failed.code === 'cancelled' ? [] : [{ name: names[index] ?? '', error: end.failed }],
  )
  const [first, ...others] = failed
  if (!first) return ends.find((end) => end.failed !== null)?.failed ?? null
  if (others.length === 0) return first.error
  const list = failed.map(({ name, error }) => `${name}: ${error.message}`).join(' ')
  const { code } = first.error
  const error = new JourneymanError(code, `${failed.length} of ${ends.length} have failed. ${list}`, {
    ...(first.error.nextAction !== undefined && { nextAction: first.error.nextAction }),
  })
  if (failed.some((one) => execution.rollbacks.has(one.error))) execution.rollbacks.add(error)
  return error
}

import type { CrashPoint } from './crash-point.ts'

export const effectKinds = [
  'push',
  'pull_request',
  'comment',
  'reaction',
  'labels',
  'status',
  'check_run',
  'task',
  'branch',
] as const

/**
 * One write to the outside world. Its row says intended, then sent, then confirmed; after a crash the outside is asked
 * with `find` before anything is sent again.
 */
export type Effect<Result> = {
  /** Unique in its run: `pull_request:<branch>`, `comment.progress`. */
  key: string
  kind: (typeof effectKinds)[number]
  /** Where it goes, for people: `acme/shop#12`. */
  target: string
  /** What is written, small and without secrets. For a `set` it is also what tells whether anything has changed. */
  request: unknown
  /** Asks the outside whether it is there already; null when it is not. */
  find: () => Promise<Result | null>
  send: () => Promise<Result>
  /** Removes what `send` made when an older twin turns up afterwards. */
  remove?: (result: Result) => Promise<void>
}

/** Who may write for a run just now: a worker by its claim, or the reporter by its own lease. */
export type EffectGuard = {
  runId: string
  role: 'worker' | 'reporter'
  epoch: number
  owner: string
  /** Once it is aborted nothing more is sent; what has been sent is looked for all the same. Its reason is thrown. */
  signal?: AbortSignal
  /** Just before something is sent: throws where the claim's lease has run out, by this process's own clock. */
  assertInTime?: () => void
}

export type EffectLedger = {
  /**
   * Brings the effect about exactly once, in whatever process and after whatever crash, and gives its result.
   * Throws `stale_epoch` when the guard's claim is lost, and what `send` and `find` throw.
   */
  once: <Result>(guard: EffectGuard, effect: Effect<Result>) => Promise<Result>
  /** For writes that set a state and may be repeated (an edit, labels): sends when `request` differs from what was confirmed last. */
  set: <Result>(guard: EffectGuard, effect: Omit<Effect<Result>, 'find' | 'remove'>) => Promise<{ sent: boolean }>
}

/** The crash points of an effect's kind: those with a name of their own, or the general ones. */
export const crashPointsOf = (
  kind: Effect<unknown>['kind'],
): { before: CrashPoint; sent: CrashPoint; after: CrashPoint } => {
  const named = kind === 'push' || kind === 'pull_request' || kind === 'comment' ? kind : 'effect'
  return { before: `${named}.before`, sent: `${named}.sent`, after: `${named}.after` }
}

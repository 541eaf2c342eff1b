import { holdersOf } from '../../domain/address.ts'
import type { ErrorClass } from '../../domain/error-class.ts'
import { type Failure, JourneymanError } from '../../domain/errors.ts'
import type { Evaluated } from '../../domain/evaluated.ts'
import type { Claim, Compensation } from '../../domain/run.ts'
import type { Db } from '../../store/database.ts'
import { asStored } from '../../store/json.ts'
import { costOfStep, loadSteps, rememberStep, reopenSteps, type StepRow } from '../../store/steps.ts'
import type { StepImage } from '../../store/write-steps.ts'
import { createActivityWriter } from './activity-writer.ts'
import { persist } from './persist.ts'
import type { Variables } from './variables.ts'
import { createWriteBehind } from './write-behind.ts'
import type { WriteSteps } from './write-together.ts'

type Named = { name: string; kind: string }

/** What a finished step leaves beside its result. */
export type Finished = {
  result: unknown
  snapshot?: string | null
  inputs?: unknown
  compensation?: Compensation | null
}

/**
 * The rows of one run, read once at the claim and written through. Nobody else writes them while the claim holds, and
 * every write proves that it does. `variables` are those of the step: what was evaluated for it is kept with its end.
 */
export type Journal = {
  get: (address: string) => StepRow | undefined
  /** In the order in which they were begun. */
  rows: () => StepRow[]
  /** Whether it has come there in an earlier try of what holds it, and not yet in the present one. */
  isAhead: (address: string) => boolean
  /** The present try has come there, if only to read it. */
  meet: (address: string) => void
  /**
   * Gives the number of the attempt. Where the step `acts`, its beginning and everything before it is kept when this resolves;
   * what holds or computes only waits for nothing. `variables`: what its condition was made of is not worked out again.
   */
  begin: (
    address: string,
    step: Named,
    how: { newAttempt: boolean; acts: boolean; variables?: Variables },
  ) => Promise<number>
  /** Since the present attempt was begun, in this process or an earlier one. */
  attemptSeconds: (address: string) => number
  /** Until it is to be tried again; null when it is not to be. */
  retryInSeconds: (address: string) => number | null
  done: (address: string, finished: Finished, variables: Variables | null) => Promise<void>
  /**
   * A step that only computes. Its row is written behind it, together with those of its like, and before anything else of the
   * journal: nothing that acts is begun before what it was computed from is kept. Lost with its worker, it is computed again.
   */
  record: (address: string, step: Named, finished: Finished, variables: Variables) => Promise<void>
  failed: (
    address: string,
    failure: Failure,
    retry: { afterSeconds: number; countedAs: ErrorClass } | null,
    variables: Variables | null,
  ) => Promise<void>
  /** `cancelled`: it was not decided by the step itself, and a later try of what holds it begins it. */
  skipped: (
    address: string,
    step: Named,
    why: { reason: string; cancelled?: boolean },
    variables: Variables,
  ) => Promise<void>
  /** What a step decides before its end, so that whoever goes on decides the same. */
  remember: (address: string, memo: Record<string, unknown>, variables?: Variables) => Promise<void>
  /** Everything that was recorded is kept. */
  settled: () => Promise<void>
  /**
   * What failed below these beginnings of addresses may be tried again, but for what is inside something that is done, or that
   * was gone on from when what is in it had been undone.
   */
  reopen: (beginnings: string[]) => Promise<void>
  /** For people; written at most once a second, the last one wins. */
  activity: (address: string, text: string) => void
}

/** Loops in loops are bounded together, too: a journal is read whole. What comes after the end has its place all the same. */
const mostSteps = 10_000

const tooManySteps = (): JourneymanError =>
  new JourneymanError(
    'limit_reached',
    `The run has come to ${mostSteps.toLocaleString('en')} steps, and no run may have more.`,
    {
      nextAction: 'Give its loops less to go over, or divide the work into several runs.',
    },
  )

export const openJournal = async (
  { db, writeSteps }: { db: Db; writeSteps: WriteSteps },
  claim: Claim,
  signal: AbortSignal,
): Promise<Journal> => {
  // Whoever is the first to claim the run is the first to write.
  const written = claim.epoch > 1 ? await loadSteps(db, claim.runId) : []
  const rows = new Map(written.map((row) => [row.address, row]))
  const begunAt = new Map(
    [...rows.values()].map((row) => [row.address, performance.now() - row.attemptSeconds * 1000] as const),
  )
  const ahead = new Set([...rows.keys()].filter((address) => holdersOf(address).some((one) => isOpen(rows.get(one)))))
  const knownAt = new Map([...rows.keys()].map((address) => [address, performance.now()] as const))
  const activity = createActivityWriter(db, claim)
  let ordinal = Math.max(0, ...[...rows.values()].map((row) => row.ordinal))
  let finishes = Math.max(0, ...[...rows.values()].map((row) => row.finishOrder ?? 0))

  const keep = (address: string, change: Partial<StepRow>): void => {
    const row = rows.get(address)
    if (row) rows.set(address, { ...row, ...change })
  }
  const add = (address: string, step: Named): number => {
    ahead.delete(address)
    const known = rows.get(address)
    if (known) return known.ordinal
    if (rows.size >= mostSteps && !address.startsWith('@')) throw tooManySteps()
    ordinal += 1
    rows.set(address, blankRow(claim.runId, address, step, ordinal))
    return ordinal
  }
  const behind = createWriteBehind((images) => persist(() => writeSteps(claim, images), signal))

  /** The row as it stands now, to be written behind. What was evaluated for the step goes with it. */
  const write = async (address: string, change: Partial<StepRow>, variables: Variables | null): Promise<void> => {
    const evaluated = variables?.evaluated()
    const fresh = evaluated?.values ?? null
    const before = rows.get(address) as StepRow
    const row = { ...before, ...change, ...(fresh && { evaluated: { ...before.evaluated, ...fresh } }) }
    rows.set(address, row)
    await behind.add(imageOf(row, fresh, change.snapshot ?? null))
    evaluated?.kept()
  }
  /** Only an agent's step costs anything; what it did, `steps.<name>.cost_usd` says to whoever goes on and to this worker alike. */
  const learnCost = async (address: string): Promise<void> => {
    if (rows.get(address)?.kind !== 'ai_action') return
    keep(address, { cost: await persist(() => costOfStep(db, claim.runId, address), signal) })
  }
  const nextFinish = (): number => {
    finishes += 1
    return finishes
  }

  return {
    get: (address) => rows.get(address),
    // Read by ordinal, and new ones come last: a map keeps that order.
    rows: () => [...rows.values()],
    isAhead: (address) => ahead.has(address),
    meet: (address) => void ahead.delete(address),
    begin: async (address, step, { newAttempt, acts, variables = null }) => {
      add(address, step)
      const attempts = (rows.get(address)?.attempts ?? 0) + (newAttempt ? 1 : 0)
      if (newAttempt || !begunAt.has(address)) begunAt.set(address, performance.now())
      await write(address, { state: 'running', attempts, ...unended }, variables)
      if (acts) await behind.flush()
      return attempts
    },
    attemptSeconds: (address) => (performance.now() - (begunAt.get(address) ?? performance.now())) / 1000,
    retryInSeconds: (address) => {
      const after = rows.get(address)?.retryInSeconds ?? null
      return after && Math.max(0, after - (performance.now() - (knownAt.get(address) ?? performance.now())) / 1000)
    },
    done: async (address, finished, variables) => {
      activity.forget(address)
      await learnCost(address)
      await write(address, { state: 'done', ...unended, ...endOf(finished, nextFinish()) }, variables)
    },
    record: async (address, step, finished, variables) => {
      add(address, step)
      const attempts = (rows.get(address)?.attempts ?? 0) + 1
      await write(address, { state: 'done', attempts, ...unended, ...endOf(finished, nextFinish()) }, variables)
    },
    failed: async (address, failure, retry, variables) => {
      activity.forget(address)
      await learnCost(address)
      const retries = { ...rows.get(address)?.retries }
      if (retry) retries[retry.countedAs] = (retries[retry.countedAs] ?? 0) + 1
      knownAt.set(address, performance.now())
      const retryInSeconds = retry?.afterSeconds ?? null
      const ended = { failure, retries, retryInSeconds, finishedAt: new Date() }
      await write(address, { state: 'failed', ...unended, ...ended }, variables)
      // Before the wait for the next try: a try counts also when its worker dies in that.
      if (retry) await behind.flush()
    },
    skipped: async (address, step, { reason, cancelled = false }, variables) => {
      add(address, step)
      const memo = cancelled ? { cancelled } : null
      await write(address, { state: 'skipped', reason, memo, finishedAt: new Date() }, variables)
    },
    remember: async (address, memo, variables) => {
      if (variables?.evaluated().values) await write(address, {}, variables)
      await behind.flush()
      await persist(() => rememberStep(db, claim, address, memo), signal)
      keep(address, { memo: { ...rows.get(address)?.memo, ...(asStored(memo) as object) } })
    },
    reopen: async (beginnings) => {
      await behind.flush()
      const forget: string[] = []
      const tryAgain: string[] = []
      for (const [address, row] of rows) {
        const beginning = beginnings.find((one) => address.startsWith(one))
        if (beginning === undefined) continue
        ahead.add(address)
        // What a used workflow does after its end, it does after its new end.
        const place = address.indexOf('/@', beginning.length - 1)
        const holder = place === -1 ? address : address.slice(0, place)
        if (isOver(rows, holder)) continue
        if (holder !== address || (row.state === 'skipped' && row.memo?.['cancelled'] === true)) forget.push(address)
        else if (row.state === 'failed') tryAgain.push(address)
      }
      await persist(() => reopenSteps(db, claim, { tryAgain, forget }), signal)
      for (const address of forget) rows.delete(address)
      for (const address of tryAgain) keep(address, { retryInSeconds: 0, retries: {} })
    },
    settled: behind.flush,
    activity: (address, text) => {
      activity.write(address, text)
    },
  }
}

/** Whoever goes on goes through it again. */
const isOpen = (row: StepRow | undefined): boolean =>
  row?.state === 'running' || (row?.state === 'failed' && row.retryInSeconds !== null)

/** It, or what holds it, has come to its end in spite of what failed, and is only read from then on. */
const isOver = (rows: ReadonlyMap<string, StepRow>, address: string): boolean =>
  [address, ...holdersOf(address)].some((one) => isClosed(rows.get(one)))

const isClosed = (row: StepRow | undefined): boolean => row?.state === 'done' || row?.memo?.['undone'] === true

/** What a row has of no end. */
const unended = { result: null, failure: null, reason: null, retryInSeconds: null, finishedAt: null }

/** As a worker that goes on later reads it, so that it makes no difference which of them does. */
const endOf = ({ result, snapshot, inputs, compensation }: Finished, finishOrder: number): Partial<StepRow> => ({
  result: asStored(result),
  inputs: asStored(inputs ?? null),
  compensation: compensation ?? null,
  ...(snapshot !== undefined && snapshot !== null && { snapshot }),
  finishOrder,
  finishedAt: new Date(),
})

const imageOf = (row: StepRow, evaluated: Evaluated | null, snapshot: string | null): StepImage => ({
  address: row.address,
  name: row.name,
  kind: row.kind,
  ordinal: row.ordinal,
  state: row.state,
  attempts: row.attempts,
  result: row.result,
  failure: row.failure,
  reason: row.reason,
  memo: row.memo,
  inputs: row.inputs,
  compensation: row.compensation,
  finishOrder: row.finishOrder,
  retries: row.retries,
  retryInSeconds: row.retryInSeconds,
  evaluated,
  snapshot,
})

export const blankRow = (runId: string, address: string, step: Named, ordinal: number): StepRow => ({
  runId,
  address,
  ...step,
  ordinal,
  state: 'running',
  attempts: 0,
  result: null,
  failure: null,
  reason: null,
  activity: null,
  cost: 0,
  startedAt: new Date(),
  finishedAt: null,
  evaluated: null,
  snapshot: null,
  retryInSeconds: null,
  memo: null,
  inputs: null,
  retries: {},
  compensation: null,
  finishOrder: null,
  attemptSeconds: 0,
  failedAttempts: [],
})

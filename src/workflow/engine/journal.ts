import type { Failure } from '../../domain/errors.ts'
import type { Claim } from '../../domain/run.ts'
import type { Db } from '../../store/database.ts'
import { asStored } from '../../store/json.ts'
import { beginStep, endStep, loadSteps, type StepEnd, type StepRow, setActivity } from '../../store/steps.ts'
import { persist } from './persist.ts'

/**
 * The rows of one run, read once at the claim and written through. Nobody else writes them while the claim holds, and
 * every write proves that it does.
 */
export type Journal = {
  get: (address: string) => StepRow | undefined
  rows: () => StepRow[]
  /** Gives the number of the attempt. */
  begin: (address: string, step: { name: string; kind: string }, newAttempt: boolean) => Promise<number>
  done: (address: string, result: unknown, snapshot: string | null) => Promise<void>
  failed: (address: string, failure: Failure, retryInSeconds: number | null) => Promise<void>
  skipped: (address: string, step: { name: string; kind: string }, reason: string) => Promise<void>
  /** For people; written at most once a second, the last one wins. */
  activity: (address: string, text: string) => void
  /** A variable of the definition was evaluated for the first time: kept with the next end of a step. */
  noteEvaluated: (name: string, value: unknown) => void
}

export const openJournal = async (db: Db, claim: Claim, signal: AbortSignal): Promise<Journal> => {
  const rows = new Map((await loadSteps(db, claim.runId)).map((row) => [row.address, row]))
  const activity = createActivityWriter(db, claim)
  let ordinal = Math.max(0, ...[...rows.values()].map((row) => row.ordinal))
  let evaluated: Record<string, unknown> | null = null

  // An end that could not be written takes nothing with it: the next one has it.
  const end = async (address: string, how: StepEnd) => {
    activity.forget(address)
    const seen = evaluated
    await persist(() => endStep(db, claim, address, how, seen), signal)
    if (evaluated === seen) evaluated = null
  }
  const keep = (address: string, change: Partial<StepRow>) => {
    const row = rows.get(address)
    if (row) rows.set(address, { ...row, ...change })
  }
  const add = (address: string, step: { name: string; kind: string }) => {
    const known = rows.get(address)
    if (known) return known.ordinal
    ordinal += 1
    rows.set(address, blankRow(claim.runId, address, step, ordinal))
    return ordinal
  }

  return {
    get: (address) => rows.get(address),
    rows: () => [...rows.values()].sort((a, b) => a.ordinal - b.ordinal),
    begin: async (address, step, newAttempt) => {
      const at = add(address, step)
      const attempts = await beginStep(db, claim, { address, ...step, ordinal: at, newAttempt })
      keep(address, { state: 'running', attempts, failure: null, retryInSeconds: null, finishedAt: null })
      return attempts
    },
    done: async (address, result, snapshot) => {
      await end(address, { state: 'done', result, snapshot })
      // As a worker that goes on later reads it, so that it makes no difference which of them does.
      keep(address, { state: 'done', result: asStored(result), snapshot, finishedAt: new Date() })
    },
    failed: async (address, failure, retryInSeconds) => {
      await end(address, { state: 'failed', failure, retryInSeconds })
      keep(address, { state: 'failed', failure, retryInSeconds, finishedAt: new Date() })
    },
    skipped: async (address, step, reason) => {
      const at = add(address, step)
      await end(address, { state: 'skipped', reason, ...step, ordinal: at })
      keep(address, { state: 'skipped', reason, finishedAt: new Date() })
    },
    activity: (address, text) => {
      activity.write(address, text)
    },
    noteEvaluated: (name, value) => {
      evaluated = { ...evaluated, [name]: value ?? null }
    },
  }
}

const createActivityWriter = (db: Db, claim: Claim) => {
  const waiting = new Map<string, { text: string; timer: NodeJS.Timeout }>()
  const flush = (address: string) => {
    const entry = waiting.get(address)
    waiting.delete(address)
    // Of no consequence: the next one, or the end of the step, says more.
    if (entry) setActivity(db, claim, address, entry.text).catch(() => undefined)
  }
  return {
    write: (address: string, text: string) => {
      const entry = waiting.get(address)
      if (entry) entry.text = text
      else waiting.set(address, { text, timer: setTimeout(flush, 1000, address).unref() })
    },
    forget: (address: string) => {
      clearTimeout(waiting.get(address)?.timer)
      waiting.delete(address)
    },
  }
}

const blankRow = (runId: string, address: string, step: { name: string; kind: string }, ordinal: number): StepRow => ({
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
})

import { crashPoint } from '../../domain/crash-point.ts'
import { codeOf, type Failure, failureOf, JourneymanError } from '../../domain/errors.ts'
import type { Claim, Run, RunState } from '../../domain/run.ts'
import type { Queue } from '../../queue/contract.ts'
import { appendAudit } from '../../store/audit.ts'
import { assertClaim } from '../../store/claimed.ts'
import { getDefinition } from '../../store/definitions.ts'
import { claimRun, finishRun, releaseRun } from '../../store/runs.ts'
import { hasBegun } from '../../store/steps.ts'
import { parsePinned } from '../language/load-workflows.ts'
import type { EngineParts, Execution } from './execution.ts'
import { holdLease } from './hold-lease.ts'
import { isInterruption } from './interruption.ts'
import { openExecution } from './open-execution.ts'
import { ParkRequest } from './park-request.ts'
import { persist } from './persist.ts'
import { runDefinition, runPostExecution } from './run-definition.ts'

/**
 * The life of a run in a worker's hands:
 *
 *   claim      raise the epoch, take the lease; somebody else has it: leave
 *   replay     read the journal; finished steps are not run again
 *   go on      at the first step that is not finished
 *   park       a long wait: give the run back with a time, hold nothing
 *   leave      this process is ending, or its database was away: give the run back at once
 *   finish     post-execution, then the written end and the last report, in one transaction
 *
 * A worker that finds its claim lost stops where it is and writes nothing more.
 */
export const createAdvanceRun =
  (parts: Parts) =>
  async (runId: string, outer: AbortSignal): Promise<void> => {
    const { leaseSeconds, maxClaims } = parts.settings()
    crashPoint('claim.before')
    const run = await claimRun(parts.database.db, runId, parts.owner, leaseSeconds)
    crashPoint('claim.after')
    if (!run) return
    const claim: Claim = { runId, epoch: run.epoch, owner: parts.owner }
    const lease = await holdLease(parts.database, claim, { leaseSeconds, outer })
    try {
      await parts.money.forfeitAbandoned(claim)
      if (run.claims > maxClaims) await finish(parts, claim, poisoned(run))
      else await advance(parts, run, claim, lease.signal)
    } catch (error) {
      await leave(parts, claim, error)
    } finally {
      lease.release()
    }
  }

type Parts = EngineParts & { queue: Queue }

const advance = async (parts: Parts, run: Run, claim: Claim, signal: AbortSignal): Promise<void> => {
  let execution: Execution | null = null
  let failure: Failure | null = null
  try {
    try {
      execution = await begin(parts, run, claim, signal)
      await runDefinition(execution)
    } catch (error) {
      if (isInterruption(error)) throw error
      if (codeOf(error) === 'internal') parts.log('error', 'a run met a defect', { run: run.id, error })
      failure = failureOf(error)
    }
    if (execution) await runPostExecution(execution, failure)
  } finally {
    await closeWorkspace(parts, execution)
  }
  await finish(parts, claim, failure)
}

const begin = async (parts: Parts, run: Run, claim: Claim, signal: AbortSignal): Promise<Execution> => {
  const { db } = parts.database
  if (run.stopRequestedBy !== null && !(await hasBegun(db, run.id))) throw stoppedBefore(run.stopRequestedBy)
  const pinned = await getDefinition(db, run.definitionHash)
  const definition = parsePinned(pinned.source, pinned.prompts)
  return openExecution(parts, { run, claim, definition, prompts: pinned.prompts, signal })
}

const closeWorkspace = async (parts: Parts, execution: Execution | null): Promise<void> => {
  try {
    await execution?.workspace.close()
  } catch (error) {
    parts.log('warn', 'a workspace did not close in good order', { run: execution?.run.id, failure: failureOf(error) })
  }
}

/** The run has not ended: it is given back to be gone on with, or somebody else has it. */
const leave = async (parts: Parts, claim: Claim, error: unknown): Promise<void> => {
  if (!isInterruption(error)) throw error
  try {
    await giveBack(parts, claim, error instanceof ParkRequest ? error.afterSeconds : null)
  } catch (failed) {
    if (codeOf(failed) !== 'stale_epoch') throw failed
    parts.log('warn', 'a worker has lost its claim', { run: claim.runId, epoch: claim.epoch })
  }
}

const giveBack = (parts: Parts, claim: Claim, afterSeconds: number | null): Promise<void> =>
  persist(() =>
    parts.database.db.transaction().execute(async (tx) => {
      await assertClaim(tx, claim, 'update')
      await releaseRun(tx, claim, afterSeconds)
      await parts.queue.enqueue(
        'advance-run',
        { runId: claim.runId },
        { tx, ...(afterSeconds !== null && { afterSeconds }) },
      )
    }),
  )

const finish = async (parts: Parts, claim: Claim, failure: Failure | null): Promise<void> => {
  const state = endState(failure)
  crashPoint('complete.before')
  await persist(() =>
    parts.database.db.transaction().execute(async (tx) => {
      await assertClaim(tx, claim, 'update')
      await finishRun(tx, claim.runId, state, failure)
      await parts.queue.enqueue('report', { runId: claim.runId }, { tx })
      await appendAudit(tx, {
        actor: 'journeyman',
        action: `run.${state}`,
        runId: claim.runId,
        delivery: null,
        detail: { failure: failure?.code ?? null },
      })
    }),
  )
  crashPoint('complete.after')
  parts.log('info', 'a run has ended', { run: claim.runId, state, code: failure?.code })
}

const endState = (failure: Failure | null): RunState => {
  if (failure === null) return 'done'
  return failure.code === 'stopped' ? 'stopped' : 'failed'
}

const stoppedBefore = (by: string): JourneymanError =>
  new JourneymanError('stopped', `Stopped by ${by} before it began.`)

const poisoned = (run: Run): Failure =>
  failureOf(
    new JourneymanError('limit_reached', `The run was begun ${run.claims} times and never came to an end.`, {
      nextAction: 'Look at the log of the workers that died with it, then label the issue again.',
    }),
  )

import { isUndoing } from '../../domain/address.ts'
import { crashPoint } from '../../domain/crash-point.ts'
import { codeOf, type Failure, failureOf, JourneymanError } from '../../domain/errors.ts'
import type { Claim, Run, RunState } from '../../domain/run.ts'
import { appendAudit } from '../../store/audit.ts'
import { claimRun, releaseRun } from '../../store/claim-run.ts'
import { assertClaim } from '../../store/claimed.ts'
import { endWithRun, finishClaimed } from '../../store/finish-run.ts'
import { restartForLateComers } from '../../store/joined-events.ts'
import { freeSlot } from '../../store/slots.ts'
import { hasBegun } from '../../store/steps.ts'
import { endRun } from './end-of-run.ts'
import type { EngineParts, Execution } from './execution.ts'
import { holdLease, type Lease } from './hold-lease.ts'
import { holdSlot } from './hold-slot.ts'
import { isInterruption } from './interruption.ts'
import { openExecution } from './open-execution.ts'
import { ParkRequest } from './park-request.ts'
import { persist } from './persist.ts'
import { createPinnedDefinitions } from './pinned-definitions.ts'
import { runMainPart } from './run-body.ts'
import { runSteps } from './run-steps.ts'
import { createWriteTogether, type WriteSteps } from './write-together.ts'

/**
 * The life of a run in a worker's hands:
 *
 *   claim      raise the epoch, take the lease; somebody else has it: leave
 *   replay     read the journal; finished steps are not run again
 *   slot       where the definition bounds its concurrency: take it, wait for it, or end
 *   go on      at the first step that is not finished
 *   park       a long wait: give the run back with a time, hold nothing
 *   leave      this process is ending, or its database was away: give the run back at once
 *   undo       the compensations, where the failure asked for them
 *   finish     post-execution, then the written end and the last report, in one transaction
 *
 * A worker that finds its claim lost stops where it is and writes nothing more.
 */
export const createAdvanceRun = (given: EngineParts) => {
  const { db } = given.database
  const parts: Parts = { ...given, definitions: createPinnedDefinitions(db), writeSteps: createWriteTogether(db) }
  return async (runId: string, outer: AbortSignal): Promise<void> => {
    const { leaseSeconds, maxClaims } = parts.settings()
    crashPoint('claim.before')
    const claimedAt = performance.now()
    const run = await claimRun(parts.database.db, runId, parts.owner, leaseSeconds)
    crashPoint('claim.after')
    if (!run) return
    const claim: Claim = { runId, epoch: run.epoch, owner: parts.owner }
    const lease = holdLease(parts.database, claim, { leaseSeconds, claimedAt, outer, heard: run })
    try {
      // Whoever is the first to claim it finds nothing of another.
      if (run.epoch > 1) await parts.money.forfeitAbandoned(claim)
      if (run.claims > maxClaims) await finish(parts, run, claim, poisoned(run))
      else await advance(parts, run, claim, lease)
    } catch (error) {
      await leave(parts, claim, error)
    } finally {
      lease.release()
    }
  }
}

type Parts = EngineParts & { definitions: ReturnType<typeof createPinnedDefinitions>; writeSteps: WriteSteps }

const advance = async (parts: Parts, run: Run, claim: Claim, lease: Lease): Promise<void> => {
  const { signal } = lease
  let execution: Execution | null = null
  let failure: Failure | null = null
  let asksRollback = false
  try {
    try {
      execution = await begin(parts, run, claim, lease)
      await holdSlot(execution)
      await runMainPart(execution, '', runSteps)
    } catch (error) {
      if (isInterruption(error)) throw error
      if (codeOf(error) === 'internal') parts.log('error', 'a run met a defect', { run: run.id, error })
      failure = failureOf(error)
      asksRollback = error instanceof JourneymanError && execution?.rollbacks.has(error) === true
    }
    if (execution) await endRun(execution, failure, asksRollback && (!signal.aborted || hasBegunUndoing(execution)))
    await execution?.journal.settled()
  } catch (error) {
    // Before the run is given back: what was done is done. Where that cannot be written, that is why it is given back.
    const opened = execution as Execution | null
    await opened?.journal.settled()
    throw error
  } finally {
    await closeWorkspace(parts, execution)
  }
  await finish(parts, run, claim, failure)
}

const begin = async (parts: Parts, run: Run, claim: Claim, lease: Lease): Promise<Execution> => {
  const { db } = parts.database
  if (run.stopRequestedBy !== null && !(await hasBegun(db, run.id))) throw stoppedBefore(run.stopRequestedBy)
  const { definition, prompts } = await parts.definitions(run.definitionHash)
  return openExecution(parts, {
    run,
    claim,
    definition,
    prompts,
    signal: lease.signal,
    assertInTime: lease.assertInTime,
  })
}

/** What was begun to be undone is undone: half of it is worse than either. */
const hasBegunUndoing = ({ journal }: Execution): boolean => journal.rows().some((row) => isUndoing(row.address))

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
    crashPoint('park.before')
    await giveBack(parts, claim, error instanceof ParkRequest ? error.afterSeconds : null)
    crashPoint('park.after')
  } catch (failed) {
    if (codeOf(failed) !== 'stale_epoch') throw failed
    parts.log('warn', 'a worker has lost its claim', { run: claim.runId, epoch: claim.epoch })
  }
}

const giveBack = (parts: Parts, claim: Claim, afterSeconds: number | null): Promise<void> =>
  persist(() =>
    parts.database.db.transaction().execute(async (tx) => {
      await assertClaim(tx, claim, 'update')
      const isParked = await releaseRun(tx, claim, afterSeconds)
      // Long waits are the reaper's to end: a job that sleeps for a day is a row for each of ten thousand approvals.
      const job = { runId: claim.runId }
      if (!isParked) await parts.queue.enqueue('advance-run', job, { tx })
      else if (afterSeconds !== null && afterSeconds <= longestJobDelaySeconds)
        await parts.queue.enqueue('advance-run', job, { tx, afterSeconds })
    }),
  )

/** Beyond it the reaper, who looks every few seconds, finds the time that has come. */
const longestJobDelaySeconds = 900

const finish = async (parts: Parts, run: Run, claim: Claim, failure: Failure | null): Promise<void> => {
  const state = endState(failure)
  crashPoint('complete.before')
  await persist(() =>
    parts.database.db.transaction().execute(async (tx) => {
      await finishClaimed(tx, claim, state, failure)
      const { hasSlot, hasLateComers } = await endWithRun(tx, run.id, failure ?? overBefore)
      const waiting = hasSlot ? await freeSlot(tx, run.id) : null
      crashPoint('slot.freed')
      if (waiting !== null) await parts.queue.enqueue('advance-run', { runId: waiting }, { tx })
      const next = hasLateComers ? await restartForLateComers(tx, run) : null
      if (next !== null) await parts.queue.enqueue('acknowledge', { runId: next }, { tx })
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

/** Of a run that is done nothing is under way; should there be a row all the same, it does not stay so. */
const overBefore = failureOf(new JourneymanError('cancelled', 'The run ended before it.'))

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

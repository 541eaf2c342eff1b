import { crashPoint } from '../../domain/crash-point.ts'
import { codeOf, type Failure, failureOf, JourneymanError } from '../../domain/errors.ts'
import type { Claim, Run, RunState } from '../../domain/run.ts'
import type { Queue } from '../../queue/contract.ts'
import { appendAudit } from '../../store/audit.ts'
import { assertClaim } from '../../store/claimed.ts'
import { getDefinition } from '../../store/definitions.ts'
import { claimRun, finishRun, releaseRun } from '../../store/runs.ts'
import { parsePinned } from '../language/load-workflows.ts'
import type { EngineParts, Execution } from './execution.ts'
import { holdLease } from './hold-lease.ts'
import { openExecution } from './open-execution.ts'
import { ParkRequest } from './park-request.ts'
import { runDefinition, runPostExecution } from './run-definition.ts'

/**
 * The life of a run in a worker's hands:
 *
 *   claim      raise the epoch, take the lease; somebody else has it: leave
 *   replay     read the journal; finished steps are not run again
 *   go on      at the first step that is not finished
 *   park       a long wait: give the run back with a time, hold nothing
 *   leave      this process is ending: give the run back at once
 *   finish     post-execution, then the written end and the last report, in one transaction
 *
 * A worker that finds its claim lost stops where it is and writes nothing more.
 */
export const createAdvanceRun =
  (parts: EngineParts & { queue: Queue }) =>
  async (runId: string, outer: AbortSignal): Promise<void> => {
    const settings = parts.settings()
    crashPoint('claim.before')
    const run = await claimRun(parts.database.db, runId, parts.owner, settings.leaseSeconds)
    crashPoint('claim.after')
    if (!run) return
    const claim: Claim = { runId, epoch: run.epoch, owner: parts.owner }
    if (run.claims > settings.maxClaims) return finish(parts, claim, poisoned(run))
    if (run.stopRequestedBy !== null && run.claims === 1)
      return finish(parts, claim, stoppedBefore(run.stopRequestedBy))
    const lease = holdLease(parts.database, claim, settings.leaseSeconds, outer)
    try {
      await advance(parts, run, claim, lease.signal)
    } catch (error) {
      if (codeOf(error) !== 'stale_epoch') throw error
      parts.log('warn', 'a worker has lost its claim', { run: runId, epoch: claim.epoch })
    } finally {
      lease.release()
    }
  }

const advance = async (
  parts: EngineParts & { queue: Queue },
  run: Run,
  claim: Claim,
  signal: AbortSignal,
): Promise<void> => {
  const pinned = await getDefinition(parts.database.db, run.definitionHash)
  let execution: Execution | null = null
  let failure: Failure | null = null
  try {
    const definition = parsePinned(pinned.source, pinned.prompts)
    execution = await openExecution(parts, { run, claim, definition, prompts: pinned.prompts, signal })
    await runDefinition(execution)
  } catch (error) {
    if (error instanceof ParkRequest) return giveBack(parts, claim, execution, error.afterSeconds)
    const code = codeOf(error)
    if (code === 'stale_epoch') return leave(execution, error)
    if (code === 'shutting_down') return giveBack(parts, claim, execution, null)
    if (code === 'internal') parts.log('error', 'a run met a defect', { run: run.id, error })
    failure = failureOf(error)
  }
  if (execution) await runPostExecution(execution, failure)
  await execution?.workspace.close()
  await finish(parts, claim, failure)
}

const leave = async (execution: Execution | null, error: unknown): Promise<never> => {
  await execution?.workspace.close()
  throw error
}

const giveBack = async (
  parts: EngineParts & { queue: Queue },
  claim: Claim,
  execution: Execution | null,
  afterSeconds: number | null,
): Promise<void> => {
  await execution?.workspace.close()
  await parts.database.db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim)
    await releaseRun(tx, claim, afterSeconds)
    await parts.queue.enqueue(
      'advance-run',
      { runId: claim.runId },
      { tx, ...(afterSeconds !== null && { afterSeconds }) },
    )
  })
}

const finish = async (parts: EngineParts & { queue: Queue }, claim: Claim, failure: Failure | null): Promise<void> => {
  const state = endState(failure)
  crashPoint('complete.before')
  await parts.database.db.transaction().execute(async (tx) => {
    await assertClaim(tx, claim)
    await finishRun(tx, claim.runId, state, failure)
    await appendAudit(tx, {
      actor: 'journeyman',
      action: `run.${state}`,
      runId: claim.runId,
      delivery: null,
      detail: { failure: failure?.code ?? null },
    })
    await parts.queue.enqueue('report', { runId: claim.runId }, { tx })
  })
  crashPoint('complete.after')
  parts.log('info', 'a run has ended', { run: claim.runId, state, code: failure?.code })
}

const endState = (failure: Failure | null): RunState => {
  if (failure === null) return 'done'
  return failure.code === 'stopped' ? 'stopped' : 'failed'
}

const stoppedBefore = (by: string): Failure =>
  failureOf(new JourneymanError('stopped', `Stopped by ${by} before it began.`))

const poisoned = (run: Run): Failure =>
  failureOf(
    new JourneymanError('limit_reached', `The run was begun ${run.claims} times and never came to an end.`, {
      nextAction: 'Look at the log of the workers that died with it, then label the issue again.',
    }),
  )

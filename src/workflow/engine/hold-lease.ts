import { JourneymanError } from '../../domain/errors.ts'
import type { Claim } from '../../domain/run.ts'
import type { Database } from '../../store/database.ts'
import { renewLease } from '../../store/runs.ts'

/**
 * Keeps a claim alive and listens for what must end the work: somebody else has the run, a person wants it stopped, its
 * time is up, the database is out of reach for longer than the lease lasts.
 */
export const holdLease = (
  database: Database,
  claim: Claim,
  leaseSeconds: number,
  outer: AbortSignal,
): { signal: AbortSignal; release: () => void } => {
  const controller = new AbortController()
  let renewedAt = performance.now()
  let stopped = false

  const end = (error: JourneymanError) => {
    if (!controller.signal.aborted) controller.abort(error)
  }
  const renew = async () => {
    try {
      const held = await renewLease(database.db, claim, leaseSeconds)
      if (!held) return end(lost(claim))
      renewedAt = performance.now()
      if (held.stopRequestedBy !== null) end(new JourneymanError('stopped', `Stopped by ${held.stopRequestedBy}.`))
      if (held.secondsLeft <= 0) end(outOfTime())
    } catch {
      if (performance.now() - renewedAt > leaseSeconds * 1000) end(lost(claim))
    }
  }
  const loop = async () => {
    while (!stopped && !controller.signal.aborted) {
      await renew()
      await new Promise((resolve) => setTimeout(resolve, (leaseSeconds * 1000) / 3).unref())
    }
  }
  void loop()
  const leave = () => end(new JourneymanError('shutting_down', 'This process is ending; another goes on with the run.'))
  outer.addEventListener('abort', leave, { once: true })
  if (outer.aborted) leave()

  return {
    signal: controller.signal,
    release: () => {
      stopped = true
      outer.removeEventListener('abort', leave)
    },
  }
}

const lost = (claim: Claim) =>
  new JourneymanError('stale_epoch', `This worker has lost its claim on ${claim.runId}; another goes on with it.`)

const outOfTime = () =>
  new JourneymanError('limit_reached', 'The run has used up the time that it was given.', {
    nextAction: 'Raise limits.max_minutes of the workflow, or runs.max_minutes, and label the issue again.',
  })

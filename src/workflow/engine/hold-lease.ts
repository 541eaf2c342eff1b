import { JourneymanError } from '../../domain/errors.ts'
import type { Claim } from '../../domain/run.ts'
import { type Heard, renewLease } from '../../store/claim-run.ts'
import type { Database } from '../../store/database.ts'
import { timeRanOut, wholeRun } from './time-ran-out.ts'

/** A wish to stop is heard with a renewal, so they are no further apart than this. */
const mostBetweenMs = 1_000

export type Lease = {
  signal: AbortSignal
  /** For what is about to be sent: the signal hears of the expiry only when this process comes to look at its timers. */
  assertInTime: () => void
  release: () => void
}

/**
 * Keeps a claim alive until it is released, and listens for what must end the work: somebody else has the run, a person
 * wants it stopped, its time is up, this process ends, the database is out of reach for longer than the lease lasts. The
 * signal tells that once; the lease goes on being renewed, for what is done after the end. What was `heard` with the claim has
 * been told when this returns: a run that was woken to be ended does nothing before.
 */
export const holdLease = (
  database: Database,
  claim: Claim,
  options: { leaseSeconds: number; claimedAt: number; outer: AbortSignal; heard: Heard },
): Lease => {
  const leaseMs = options.leaseSeconds * 1000
  const controller = new AbortController()
  let over = false
  // The first reason stays: to abort twice is to abort once.
  const end = (error: JourneymanError) => controller.abort(error)
  const hear = (heard: Heard) => {
    if (heard.stopRequestedBy !== null) end(stopped(heard.stopRequestedBy))
    if (heard.secondsLeft <= 0) end(outOfTime())
  }
  const giveUp = (error: JourneymanError) => {
    over = true
    end(error)
  }
  // A question that is never answered is no renewal either.
  let expiresAt = options.claimedAt + leaseMs
  const startExpiry = () => setTimeout(() => giveUp(outOfReach()), expiresAt - performance.now()).unref()
  let expiry = startExpiry()

  const renew = async () => {
    const askedAt = performance.now()
    const held = await renewLease(database.db, claim, options.leaseSeconds)
    if (over) return
    if (!held) return giveUp(lost(claim))
    clearTimeout(expiry)
    expiresAt = askedAt + leaseMs
    expiry = startExpiry()
    hear(held)
  }
  // One that fails is made up for by the next; too many of them are the expiry's business.
  const loop = async () => {
    while (!over) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(mostBetweenMs, leaseMs / 3)).unref())
      if (!over) await renew().catch(() => undefined)
    }
  }
  const leave = () => end(new JourneymanError('shutting_down', 'This process is ending; another goes on with the run.'))

  options.outer.addEventListener('abort', leave, { once: true })
  if (options.outer.aborted) leave()
  hear(options.heard)
  void loop()
  return {
    signal: controller.signal,
    assertInTime: () => {
      if (performance.now() < expiresAt) return
      giveUp(outOfReach())
      throw outOfReach()
    },
    release: () => {
      over = true
      clearTimeout(expiry)
      options.outer.removeEventListener('abort', leave)
    },
  }
}

const lost = (claim: Claim) =>
  new JourneymanError('stale_epoch', `This worker has lost its claim on ${claim.runId}; another goes on with it.`)

const stopped = (by: string) => new JourneymanError('stopped', `Stopped by ${by}.`)

const outOfReach = () =>
  new JourneymanError('store_unavailable', 'The database did not renew the lease in time; the run is given back.')

const outOfTime = () =>
  timeRanOut(wholeRun, 'limit_reached', 'The run has used up the time that it was given.', {
    nextAction: 'Raise limits.max_minutes of the workflow, or runs.max_minutes, and label the issue again.',
  })

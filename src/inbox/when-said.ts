import type { Run } from '../domain/run.ts'
import { receivedAt } from '../store/deliveries.ts'
import type { Given, ObeyParts } from './given-command.ts'

/**
 * When a command was said, for telling what it can have been meant for: `received` by the database's clock, `said` by the
 * host's, as far as the two can differ. A delivery that was missed comes hours later: then only `said` is near the truth.
 */
export type WhenSaid = { received: Date; said: Date; isMissed: boolean }

/** The host's clock is not ours; who answers what they see takes longer than this. */
const clockSkewMs = 5_000
/** No delivery is under way for so long, and hardly two clocks are so far apart. */
const missedMs = 120_000

export const whenSaid = async ({ database }: ObeyParts, { delivery, event }: Given): Promise<WhenSaid> => {
  const received = (await receivedAt(database.db, delivery)) ?? new Date()
  const byHost = Date.parse(event.fields['said_at'] ?? '')
  if (!Number.isFinite(byHost)) return { received, said: received, isMissed: false }
  const said = new Date(Math.min(received.getTime(), byHost + clockSkewMs))
  return { received, said, isMissed: received.getTime() - byHost > missedMs }
}

/** The last moment of what can have been seen by whoever said it. */
export const lastSeen = ({ received, said, isMissed }: WhenSaid): Date => (isMissed ? said : received)

/** Whether the run was asked for when it was said. Both may have been missed: the run's own occasion is as old as it says. */
export const wasAskedFor = (run: Run, when: WhenSaid): boolean =>
  run.createdAt <= when.received && occasionOf(run) <= lastSeen(when)

const occasionOf = ({ event, createdAt }: Run): Date => {
  const told = event.fields?.['said_at'] ?? event.revision
  const byHost = /^\d{4}-\d\d-\d\dT/.test(told ?? '') ? Date.parse(told) : Number.NaN
  return Number.isFinite(byHost) && byHost < createdAt.getTime() ? new Date(byHost) : createdAt
}

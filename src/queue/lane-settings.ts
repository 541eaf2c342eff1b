import type { QueueOptions } from 'pg-boss'
import type { Lane } from './contract.ts'

/** Where jobs go whose retries are used up, of all lanes. */
export const deadLetters = 'dead'

const shared: QueueOptions = {
  // A killed worker's job comes back after ten to twelve seconds. The run's own lease is shorter, and comes first.
  heartbeatSeconds: 10,
  retryLimit: 5,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 60,
  // Jobs are errands: what is worth keeping is in rows of ours.
  deleteAfterSeconds: 3600,
}

const minutes = 60

/** How long a job of each lane may take before it is given to another. Only a run is long. */
export const laneSettings: Record<Lane, QueueOptions> = {
  acknowledge: { ...shared, expireInSeconds: 5 * minutes },
  'advance-run': { ...shared, expireInSeconds: 24 * 60 * minutes - 1 },
  report: { ...shared, expireInSeconds: 5 * minutes },
  reap: { ...shared, expireInSeconds: 5 * minutes },
  reconcile: { ...shared, expireInSeconds: 30 * minutes },
  schedule: { ...shared, expireInSeconds: 5 * minutes },
}

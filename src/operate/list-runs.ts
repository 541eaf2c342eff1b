import { z } from 'zod'
import { isLive, liveStates, runStates as states } from '../domain/run.ts'
import { openBreakers } from '../store/circuit-breakers.ts'
import { findRunsFor } from '../store/find-runs.ts'
import { databaseNow, runStates } from '../store/run-states.ts'
import { type BreakerLine, breakerLine } from './breaker-line.ts'
import { verb } from './contract.ts'
import { type RunLine, runLine } from './run-line.ts'

export type RunList = { now: string; runs: RunLine[]; breakers: BreakerLine[] }

/** Live runs first, the newest first. */
export const listRuns = verb({
  reads: true,
  input: z.strictObject({
    state: z.enum([...states, 'live']).optional(),
    workflow: z.string().optional(),
    repository: z.string().optional(),
    limit: z.int().min(1).max(500).default(20),
  }),
  ask: async ({ database: { db } }, { state, workflow, repository, limit }): Promise<RunList> => {
    const runs = await findRunsFor(db, {
      ...(state !== undefined && { states: state === 'live' ? [...liveStates] : [state] }),
      ...(workflow !== undefined && { workflow }),
      ...(repository !== undefined && { repository }),
      limit,
    })
    const facts = await runStates(
      db,
      runs.map(({ id }) => id),
    )
    const breakers = await openBreakers(db)
    return {
      now: (await databaseNow(db)).toISOString(),
      runs: runs.map((run) => runLine(run, facts.get(run.id)!)),
      breakers: breakers.map(breakerLine),
    }
  },
  follow: {
    next: (input, { runs }) => (runs.some((run) => isLive(run.state)) ? input : null),
    isNews: (output, before) => JSON.stringify({ ...output, now: '' }) !== JSON.stringify({ ...before, now: '' }),
  },
})

import { setTimeout as passes } from 'node:timers/promises'
import type { TaskManagement } from '../../../plugins/task-management/contract.ts'
import type { StepRow } from '../../../store/steps.ts'

/** Nothing in memory takes as long; a test that waits for what never comes says so. */
const mostLooks = 1_000

/**
 * A tracker that takes a comment "after ADDRESS ..." when that step has ended, and any other at once: so a test says which of
 * two branches is the quicker one.
 */
export const orderedTracker = (
  plugin: TaskManagement,
  steps: (runId: string) => Promise<Record<string, StepRow>>,
  runId: () => string,
): TaskManagement => ({
  ...plugin,
  addComment: async (ref, body) => {
    const [, address] = /^after (\S+)/.exec(body) ?? []
    for (let look = 0; address !== undefined; look++) {
      const state = (await steps(runId()))[address]?.state
      if (state !== undefined && state !== 'running') break
      if (look === mostLooks) throw new Error(`The step ${address} has not ended.`)
      await passes(2)
    }
    return plugin.addComment(ref, body)
  },
})

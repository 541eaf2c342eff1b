import { z } from 'zod'
import { type Failure, failureOf } from '../domain/errors.ts'
import { isLive, type OnTimeout, type Run, type RunLinks } from '../domain/run.ts'
import { type Approval, waitingApprovals } from '../store/approvals.ts'
import { openBreakers } from '../store/circuit-breakers.ts'
import type { Db } from '../store/database.ts'
import { getDefinition } from '../store/definitions.ts'
import { databaseNow, runStates, stepLines } from '../store/run-states.ts'
import { parsePinned } from '../workflow/language/load-workflows.ts'
import { type BreakerLine, breakerLine } from './breaker-line.ts'
import { verb } from './contract.ts'
import { findRun } from './find-run.ts'
import { iso, type RunLine, runLine } from './run-line.ts'
import { type StepNode, stepTree } from './step-tree.ts'

/** Everything that a person wants to know of one run. */
export type RunView = {
  /** The database's clock when this was read. */
  now: string
  run: RunLine & {
    event: string
    inputs: Record<string, string>
    stopRequestedBy: string | null
    /** Until when it is parked, where that is a time. */
    wakeAt: string | null
    failure: Failure | null
    links: RunLinks
  }
  steps: StepNode[]
  approvals: ApprovalAsked[]
  breakers: BreakerLine[]
}

/** What waits for a person. */
export type ApprovalAsked = {
  address: string
  /** Of what is shown: an answer that carries it counts for exactly this. */
  shownHash: string
  shown: unknown
  approvers: string[]
  asked: number
  onTimeout: OnTimeout
  requestedAt: string
  expiresAt: string | null
}

export const showRun = verb({
  reads: true,
  input: z.strictObject({ run: z.string() }),
  ask: async ({ database: { db } }, input): Promise<RunView> => {
    const run = await findRun(db, input.run)
    const facts = (await runStates(db, [run.id])).get(run.id)!
    const steps = stepTree(await stepLines(db, run.id), await planOf(db, run))
    const approvals = await waitingApprovals(db, run.id)
    return {
      now: (await databaseNow(db)).toISOString(),
      run: {
        ...runLine(run, facts),
        event: run.event.name,
        inputs: run.event.fields ?? {},
        stopRequestedBy: run.stopRequestedBy,
        wakeAt: iso(run.wakeAt),
        failure: run.failure,
        links: run.links,
      },
      steps,
      approvals: approvals.map(asked),
      breakers: isLive(run.state) ? (await openBreakers(db)).map(breakerLine) : [],
    }
  },
  follow: {
    next: (input, { run }) => (isLive(run.state) ? input : null),
    isNews: (output, before) => before === null || stable(output) !== stable(before),
  },
})

const stable = (view: RunView): string =>
  JSON.stringify({ ...view, now: '' }, (key, value) => (key === 'retryInSeconds' ? null : value))

export const asked = (approval: Approval): ApprovalAsked => ({
  address: approval.address,
  shownHash: approval.shownHash,
  shown: approval.shown,
  approvers: approval.approvers,
  asked: approval.asked,
  onTimeout: approval.onTimeout,
  requestedAt: approval.requestedAt.toISOString(),
  expiresAt: iso(approval.expiresAt),
})

/** Of a definition that this version cannot read there is no plan; its run says so itself. */
const planOf = async (db: Db, run: Run): Promise<{ name: string; description: string }[]> => {
  try {
    const pinned = await getDefinition(db, run.definitionHash)
    const { steps } = parsePinned(pinned.source, pinned.prompts)
    return steps.map(({ name, description }) => ({ name, description: description ?? name }))
  } catch (error) {
    if (failureOf(error).code !== 'invalid_workflow') throw error
    return []
  }
}

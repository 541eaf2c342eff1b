import { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import { type Approval, decideApproval, waitingApprovals } from '../store/approvals.ts'
import { appendAudit } from '../store/audit.ts'
import { type OperateParts, verb } from './contract.ts'
import { findRun } from './find-run.ts'
import { type ApprovalAsked, asked } from './show-run.ts'

export type Answered = { run: string; verdict: 'approved' | 'rejected'; approval: ApprovalAsked }

/**
 * A person's yes or no to what a run waits for. Whoever operates the installation may answer for whomever was asked; the
 * audit log and the row say who it was. With `shownHash` the answer counts only for what was shown to them.
 */
export const answer = verb({
  input: z.strictObject({
    run: z.string(),
    verdict: z.enum(['approved', 'rejected']),
    step: z.string().optional(),
    comment: z.string().max(10_000).optional(),
    shownHash: z.string().optional(),
  }),
  ask: async (parts, input, by): Promise<Answered> => {
    const { db } = parts.database
    const run = await findRun(db, input.run)
    const approval = chosen(await waitingApprovals(db, run.id), run.id, input.step)
    await decide(parts, { ...input, run: run.id }, approval, by)
    return { run: run.id, verdict: input.verdict, approval: asked(approval) }
  },
})

const decide = (
  { database, queue }: OperateParts,
  answered: { run: string; verdict: Answered['verdict']; comment?: string | undefined; shownHash?: string | undefined },
  { address, shownHash }: Approval,
  by: string,
): Promise<void> =>
  database.db.transaction().execute(async (tx) => {
    const { run: runId, verdict } = answered
    const decision = { runId, address, verdict, by, comment: answered.comment ?? null }
    // What is asked may have changed between the look and the answer: then nobody has answered it.
    if (!(await decideApproval(tx, { ...decision, shownHash: answered.shownHash ?? shownHash }))) {
      throw new JourneymanError('conflict', `What ${address} asks has changed, or is not asked any more.`, {
        nextAction: `Look at it with "journeyman status ${runId}", then answer again.`,
      })
    }
    await queue.enqueue('advance-run', { runId }, { tx })
    const detail = { address, shown: shownHash, comment: answered.comment ?? null }
    await appendAudit(tx, { actor: by, action: `approval.${verdict}`, runId, detail })
  })

const chosen = (waiting: Approval[], runId: string, step: string | undefined): Approval => {
  const named =
    step === undefined ? waiting : waiting.filter(({ address }) => address === step || lastOf(address) === step)
  const [one, ...others] = named
  if (one && others.length === 0) return one
  const addresses = waiting.map(({ address }) => address).join(', ')
  if (waiting.length === 0) throw new JourneymanError('conflict', `Nothing in the run ${runId} waits for approval.`)
  if (!one) {
    throw new JourneymanError('not_found', `No step "${step}" of the run ${runId} waits for approval.`, {
      nextAction: `These do: ${addresses}.`,
    })
  }
  throw new JourneymanError('invalid_input', `Several steps of the run ${runId} wait for approval: ${addresses}.`, {
    nextAction: 'Say which is meant with --step.',
  })
}

const lastOf = (address: string): string => address.slice(address.lastIndexOf('/') + 1)

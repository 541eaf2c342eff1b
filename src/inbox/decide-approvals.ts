import { hasAccess, mayAnswer } from '../domain/approver.ts'
import { crashPoint } from '../domain/crash-point.ts'
import { codeOf } from '../domain/errors.ts'
import type { Run } from '../domain/run.ts'
import type { Permission } from '../plugins/version-control/contract.ts'
import { type Approval, decideApproval, waitingApprovals } from '../store/approvals.ts'
import { appendAudit } from '../store/audit.ts'
import type { Tx } from '../store/database.ts'
import { linkDeliveries } from '../store/deliveries.ts'
import { liveRunsOf } from '../store/runs.ts'
import { chooseApprovals, nameOf } from './choose-approvals.ts'
import { answerJob, type Given, type ObeyParts, sayIn, takeOnce } from './given-command.ts'
import { lastSeen, whenSaid } from './when-said.ts'

type Verdict = 'approved' | 'rejected'
type Waiting = { run: Run; approval: Approval }

/**
 * `/ai approve` and `/ai reject`. Each waiting approval of the live runs here that this person may answer, or the one that is
 * named, is answered; with its audit, its run's wake and its job in one transaction. What was asked only after the comment
 * had been written is not answered by it: nobody had seen it then.
 */
export const decideApprovals = async (parts: ObeyParts, given: Given, verdict: Verdict): Promise<void> => {
  const { event } = given
  if (event.actor.isBot) return
  const permission = await parts.versionControl.getPermission(given.place, event.actor)
  const waiting = await waitingFor(parts, given)
  const choice = chooseApprovals(
    verdict,
    event.fields['arguments'] ?? '',
    waiting.map(({ approval }) => approval),
  )
  if ('unknown' in choice) return explain(parts, given, permission, unknownName(choice.unknown, waiting))
  const chosen = waiting.filter(({ approval }) => choice.approvals.includes(approval))
  if (chosen.length === 0) return explain(parts, given, permission, 'Nothing waits for an answer here.')
  const asked = await Promise.all(
    chosen.map(async (one) => ({ ...one, may: await mayDecide(parts, given, permission, one) })),
  )
  const mine = asked.filter(({ may }) => may === true)
  const [refused] = asked
  if (mine.length === 0 && refused) return refuse(parts, given, permission, refused)
  const seen = await seenBefore(parts, given, mine)
  await takeOnce(parts, given, async (tx) => {
    const decided = await decide(tx, parts, given, seen, { verdict, comment: choice.comment })
    if (!decided) await explainIn(tx, parts, given, permission, tooLate)
  })
  crashPoint('approval.decided')
}

const waitingFor = async ({ database: { db } }: ObeyParts, { place, subject }: Given): Promise<Waiting[]> => {
  const runs = await liveRunsOf(db, place.repository, subject)
  const approvals = await Promise.all(runs.map((run) => waitingApprovals(db, run.id)))
  const open = (approval: Approval) => approval.secondsLeft === null || approval.secondsLeft > 0
  return runs.flatMap((run, index) => (approvals[index] ?? []).filter(open).map((approval) => ({ run, approval })))
}

/** Whether, or the team that could not be looked into. */
const mayDecide = async (
  { versionControl }: ObeyParts,
  { event: { actor }, place }: Given,
  permission: Permission,
  { run, approval }: Waiting,
): Promise<boolean | { closed: string }> => {
  const { now, ifMemberOf } = mayAnswer(approval.approvers, { actor, access: permission, asker: run.actor })
  if (now) return true
  let closed: string | null = null
  for (const team of ifMemberOf) {
    try {
      if (await versionControl.isTeamMember?.(place, team, actor)) return true
      if (!versionControl.isTeamMember) closed = team
    } catch (error) {
      if (codeOf(error) !== 'forbidden') throw error
      closed = team
    }
  }
  return closed !== null && { closed }
}

/**
 * A question that was asked again can be taken for what it was moments before; the first one for that of an earlier run, and
 * only where the answer was missed.
 */
const seenBefore = async (parts: ObeyParts, given: Given, all: Waiting[]): Promise<Waiting[]> => {
  const when = await whenSaid(parts, given)
  return all.filter(({ approval: { requestedAt, asked } }) => requestedAt <= (asked > 1 ? when.said : lastSeen(when)))
}

/** Whether any of them was still to be answered. */
const decide = async (
  tx: Tx,
  { queue }: ObeyParts,
  given: Given,
  all: Waiting[],
  answer: { verdict: Verdict; comment: string | null },
): Promise<boolean> => {
  // In the order of the runs' ids, in which they are locked everywhere.
  const decided: Waiting[] = []
  for (const one of all) {
    const { runId, address, shownHash } = one.approval
    const by = given.event.actor.login
    if (await decideApproval(tx, { runId, address, shownHash, by, ...answer })) decided.push(one)
  }
  const runs = [...new Set(decided.map(({ run }) => run.id))]
  const [first] = runs
  if (first === undefined) return false
  await linkDeliveries(
    tx,
    runs.map((runId) => ({ delivery: given.delivery, runId, role: 'signalled' })),
  )
  const jobs = runs.map((runId) => ({ runId }))
  await queue.enqueueAll('advance-run', jobs, { tx })
  await queue.enqueueAll('report', jobs, { tx })
  // One thumb is enough: it is the same comment.
  await queue.enqueueAll('acknowledge', [answerJob(given, first, 'thumb')], { tx })
  for (const { approval } of decided) await note(tx, given, approval, answer)
  return true
}

/** What was said stands in the approval's row; here it is enough that it was, and to what. */
const note = (tx: Tx, { event, delivery }: Given, approval: Approval, { verdict }: { verdict: Verdict }) =>
  appendAudit(tx, {
    actor: `${event.provider}:${event.actor.login}`,
    action: `approval.${verdict}`,
    runId: approval.runId,
    delivery,
    detail: { address: approval.address, shown: approval.shownHash, asked: approval.asked, id: event.actor.id },
  })

/** Told to people who have a say here; to everybody it would be a way to have us write without end. */
const explain = (parts: ObeyParts, given: Given, permission: Permission, text: string): Promise<void> =>
  takeOnce(parts, given, (tx) => explainIn(tx, parts, given, permission, text))

const explainIn = async (
  tx: Tx,
  parts: ObeyParts,
  given: Given,
  permission: Permission,
  text: string,
): Promise<void> => {
  if (hasAccess(permission, 'write')) await sayIn(tx, parts, given, text)
}

const tooLate =
  'It was asked again since, because what it is about has changed, or it is answered already. Please look at it as it is now.'

const unknownName = (name: string, waiting: Waiting[]): string => {
  const names = [...new Set(waiting.map(({ approval }) => `\`${nameOf(approval.address)}\``))].slice(0, 20)
  const there =
    names.length === 0 ? 'Nothing waits for an answer here.' : `What waits for an answer: ${names.join(', ')}.`
  return `Nothing of the name \`${name.replaceAll('`', "'")}\` waits. ${there}`
}

/**
 * Once for each person who takes part here, and once for all others together. What is to be said is kept before it is said:
 * by the time at which the run can be told of, what was asked may be answered.
 */
const refuse = (
  parts: ObeyParts,
  given: Given,
  permission: Permission,
  { run, approval, may }: Waiting & { may: boolean | { closed: string } },
): Promise<void> => {
  const { actor } = given.event
  const isStranger = permission === 'none' || permission === 'read'
  const key = isStranger ? 'may_not_answer' : `may_not_answer:${actor.id}`
  const closed =
    typeof may === 'object'
      ? ` I could not look into the team \`${may.closed}\`: the app needs the organization permission "Members: read".`
      : ''
  const asked = approval.approvers.map((one) => `\`${one.replaceAll('`', "'")}\``).join(', ')
  const text = `Thank you, ${actor.login}. \`${nameOf(approval.address)}\` is for others to answer: ${asked}.${closed}`
  return takeOnce(parts, given, (tx) =>
    parts.queue.enqueueAll('acknowledge', [answerJob(given, run.id, { key, text })], { tx }),
  )
}

import { createHash } from 'node:crypto'
import { crashPoint } from '../../domain/crash-point.ts'
import { JourneymanError } from '../../domain/errors.ts'
import type { OnTimeout } from '../../domain/run.ts'
import { type Approval, askApproval, closeApproval, getApproval } from '../../store/approvals.ts'
import type { StepContext } from './execution.ts'
import { ParkRequest } from './park-request.ts'
import { neverUnread, readSubject, type Unread } from './read-subject.ts'

type Context = Pick<StepContext, 'execution' | 'address' | 'attempt'>

export type Question = {
  /** The step that asks, for the sentences that it may end with. */
  name: string
  /** What the answer is bound to, beside the ticket and the commit that the run works upon. */
  shown: unknown
  approvers: string[]
  onTimeout: OnTimeout
  timeoutSeconds: number | null
}

export type Yes = { approved: true; decided_by: string | null; comment: string | null; asked: number }

/** Without a timeout of its own. */
const defaultTimeoutSeconds = 7 * 86_400
/** So often an edit may void an answer before the step gives up. */
const mostAsked = 10

/**
 * A yes or no that is bound to exactly what was shown: the question, and the ticket (or the change) as it stood then.
 *
 *   (none)    -> waiting     asked, and the run is parked: it holds no worker and no memory
 *   waiting   -> approved    by a person; the ticket is read live: where it is another by now, the answer is void
 *   approved  -> waiting     asked again, about what there is now
 *   waiting   -> rejected    by a person: ends with `rejected`
 *   waiting   -> timed_out   `onTimeout` says whether that is a yes (to what was shown: it is judged like a person's), a no, or
 *                            a `timeout`
 *
 * A new attempt of the step asks anew.
 */
export const askPerson = async (context: Context, question: Question): Promise<Yes> => {
  const { execution, address } = context
  const { db } = execution.parts.database
  const opening = await openQuestion(context)
  // Ends: each pass ends it, parks the run, or has asked once more, which is bounded.
  for (;;) {
    const row = await getApproval(db, execution.run.id, address)
    if (row === null || row.asked <= opening.askedBefore || row.state === 'voided') {
      const asked = await ask(question, context, opening, (row?.asked ?? 0) - opening.askedBefore)
      throw new ParkRequest(asked.secondsLeft ?? defaultTimeoutSeconds)
    }
    if (row.state === 'waiting' && (row.secondsLeft ?? 1) > 0)
      throw new ParkRequest(row.secondsLeft ?? defaultTimeoutSeconds)
    if (row.state === 'waiting') {
      await closeApproval(db, execution.claim, address, 'timed_out')
      continue
    }
    if (countsAsYes(question, row) && (await hashOf(question, context, opening)) !== row.shownHash) {
      await closeApproval(db, execution.claim, address, 'voided')
      continue
    }
    crashPoint('approval.consumed')
    return endOf(question, row)
  }
}

const countsAsYes = ({ onTimeout }: Question, { state }: Approval): boolean =>
  state === 'approved' || (state === 'timed_out' && onTimeout === 'approve')

/** What a step had asked that was ended from outside: nobody needs to answer any more. */
export const withdrawQuestion = async ({ journal, parts, claim }: StepContext['execution'], address: string) => {
  if (journal.get(address)?.memo?.['askedBefore'] === undefined) return
  await closeApproval(parts.database.db, claim, address, 'voided')
}

/** `askedBefore`: what earlier attempts have asked is none of this one's. `base`: the commit that the run works upon, as far as it was known. */
type Opening = { attempt: number; askedBefore: number; base: string | null } & Unread

/** Written down before the first question, so that an answer which comes while a worker dies is an answer to this one. */
const openQuestion = async ({ execution, address, attempt }: Context): Promise<Opening> => {
  const { run, journal, parts } = execution
  const known = journal.get(address)?.memo as Partial<Opening> | null | undefined
  if (known?.attempt === attempt) return known as Opening
  const before = await getApproval(parts.database.db, run.id, address)
  const opening: Opening = { attempt, askedBefore: before?.asked ?? 0, base: run.baseSha, ...neverUnread }
  await journal.remember(address, opening)
  return opening
}

const endOf = ({ name, onTimeout }: Question, row: Approval): Yes => {
  const yes: Yes = { approved: true, decided_by: row.decidedBy, comment: row.comment, asked: row.asked }
  if (row.state === 'approved') return yes
  if (row.state === 'rejected') {
    const why = row.comment ? `: ${row.comment}` : ''
    throw new JourneymanError('rejected', `${row.decidedBy ?? 'Somebody'} said no to "${name}"${why}.`, {
      nextAction: 'Change what was asked for, then start the work again.',
    })
  }
  if (onTimeout === 'approve') return yes
  const nobody = `Nobody answered "${name}" in time`
  if (onTimeout === 'reject') throw new JourneymanError('rejected', `${nobody}, and that counts as a no.`)
  throw new JourneymanError('timeout', `${nobody}.`)
}

const ask = async (question: Question, context: Context, opening: Opening, times: number): Promise<Approval> => {
  const { execution, address } = context
  if (times >= mostAsked) {
    const message = `What "${question.name}" shows was edited ${times} times after it was asked.`
    throw new JourneymanError('limit_reached', message)
  }
  const asked = await askApproval(execution.parts.database.db, execution.claim, {
    address,
    shownHash: await hashOf(question, context, opening),
    shown: question.shown,
    approvers: question.approvers,
    onTimeout: question.onTimeout,
    timeoutSeconds: question.timeoutSeconds ?? defaultTimeoutSeconds,
  })
  crashPoint('approval.asked')
  return asked
}

/** What an answer is bound to, as it is now. */
const hashOf = async ({ shown }: Question, context: Context, { base }: Opening): Promise<string> => {
  const bound = { shown: shown ?? null, subject: await readSubject(context), base }
  return createHash('sha256').update(JSON.stringify(bound)).digest('hex')
}

import { codeOf, isRetryable } from '../../domain/errors.ts'
import type { Execution, StepContext } from './execution.ts'
import { ParkRequest } from './park-request.ts'

/**
 * While the outside does not answer, nobody's answer can be judged: it is asked again after a growing while, and so often that
 * an outage of an hour is waited out. How often, and when next, stands in the step's memo: whoever wakes the run before, or looks
 * after what is parked beside other branches, uses up no try. It is counted from nothing once it could be read: a question may
 * stand for a week, and see more than one outage.
 */
export type Unread = { unread: number; readAgainAt: number }

/** Of a question that is asked for the first time in an attempt; `readAgainAt` is in seconds since that was begun. */
export const neverUnread: Unread = { unread: 0, readAgainAt: 0 }

const mostUnread = 12
const againAfterSeconds = (unread: number): number => Math.min(600, 15 * 2 ** unread)

/** The ticket (or the change) that a question is about, as far as an answer is bound to it. Parks the run while it cannot be read. */
export const readSubject = async ({
  execution,
  address,
}: Pick<StepContext, 'execution' | 'address'>): Promise<unknown> => {
  const { journal } = execution
  const { unread, readAgainAt } = { ...neverUnread, ...(journal.get(address)?.memo as Partial<Unread> | null) }
  const now = journal.attemptSeconds(address)
  if (now < readAgainAt) throw new ParkRequest(readAgainAt - now)
  const read = await subjectNow(execution).then(
    (subject) => ({ subject }),
    (error: unknown) => ({ error }),
  )
  if ('error' in read) {
    if (!isRetryable(codeOf(read.error)) || unread >= mostUnread) throw read.error
    const afterSeconds = againAfterSeconds(unread)
    await journal.remember(address, { unread: unread + 1, readAgainAt: now + afterSeconds })
    throw new ParkRequest(afterSeconds)
  }
  if (unread > 0) await journal.remember(address, neverUnread)
  return read.subject
}

const subjectNow = async ({ run, facts, parts }: Execution): Promise<unknown> => {
  if (facts.task) {
    const task = await parts.taskManagement.getTask({ ...run, key: facts.task.key })
    return { title: task.title, description: task.description, acceptance: task.acceptance_criteria }
  }
  if (!facts.change) return null
  const { title, description, head_sha } = await parts.versionControl.getChange(run, facts.change.number)
  return { title, description, head_sha }
}

import type { Answering } from '../domain/answer.ts'
import type { EffectGuard } from '../domain/effect.ts'
import { failureOf, JourneymanError } from '../domain/errors.ts'
import type { Event } from '../domain/event.ts'
import type { Run } from '../domain/run.ts'
import type { TaskRef } from '../plugins/task-management/contract.ts'
import { appendAudit } from '../store/audit.ts'
import { liveRunsOf, newestRunOf } from '../store/runs.ts'
import type { Answered, Answers } from './contract.ts'
import { disarm } from './disarm.ts'
import { renderHeadline } from './progress-comment.ts'
import { factsOf, orWithout, type ReporterParts } from './reporter.ts'
import { isForGood, withReportLease } from './with-report-lease.ts'

/**
 * Answers to commands. What is said on behalf of a run goes through its effect ledger under its report lease. What is about
 * no run has no ledger: it is found again by its hidden marker, and audited.
 */
export const createAnswers = (parts: ReporterParts): Answers => ({
  give: async (answering) => {
    const { runId, command, answer } = answering
    if (answer === 'thumb') return runId === null ? 'done' : giveThumb(parts, runId, command)
    return runId === null ? reply(parts, answering, answer) : giveWords(parts, runId, command, answer)
  },

  status: (command) => statusOf(parts, command),
})

/** About no run. */
const reply = async (
  parts: ReporterParts,
  { command, delivery }: Answering,
  { key, text }: { key: string; text: string },
): Promise<Answered> => {
  const { find, send, target } = commentWith(parts, command, text, `<!-- journeyman:answer:${key} -->`)
  let how = 'found'
  try {
    if ((await find()) === null) {
      await send()
      how = 'sent'
    }
  } catch (error) {
    // Locked, or gone: trying again has no sense.
    if (!isForGood(error)) throw error
    parts.log('warn', 'an answer was refused', { delivery, failure: failureOf(error) })
    return 'done'
  }
  const detail = { key: 'comment.answer', target, how }
  await parts.database.db
    .transaction()
    .execute((tx) => appendAudit(tx, { actor: 'journeyman', action: 'effect.comment', delivery, detail }))
  return 'done'
}

const giveThumb = async (parts: ReporterParts, runId: string, command: Event): Promise<Answered> => {
  const add = parts.taskManagement.addReaction
  const commentId = command.fields['comment_id']
  if (!add || commentId === undefined) return 'done'
  return onBehalf(parts, runId, (guard, run) =>
    orWithout(parts, run, 'reaction', () =>
      parts.effects.set(guard, {
        key: `reaction.thumb:${commentId}`,
        kind: 'reaction',
        target: targetOf(command),
        request: { thumb: commentId },
        send: () => add(refOf(command), commentId, '+1').then(() => ({})),
      }),
    ),
  )
}

const giveWords = (
  parts: ReporterParts,
  runId: string,
  command: Event,
  { key, text }: { key: string; text: string },
): Promise<Answered> =>
  onBehalf(parts, runId, (guard, run) => {
    const marker = `<!-- journeyman:answer:${run.id}:${key} -->`
    return orWithout(parts, run, 'answer', () =>
      parts.effects.once(guard, { ...commentWith(parts, command, text, marker), key: `comment.${key}` }),
    )
  })

const onBehalf = async (
  parts: ReporterParts,
  runId: string,
  work: (guard: EffectGuard, run: Run) => Promise<unknown>,
): Promise<Answered> => {
  const outcome = await withReportLease<Answered>(parts, runId, async ({ run, epoch }) => {
    await work({ runId, role: 'reporter', epoch, owner: parts.owner }, run)
    return { outcome: 'done', told: false }
  })
  if (outcome === 'failed') {
    throw new JourneymanError(
      'unavailable',
      `The answer to a command could not be given for ${runId}; it is tried again.`,
    )
  }
  return outcome === 'busy' ? 'busy' : 'done'
}

const commentWith = ({ taskManagement }: ReporterParts, command: Event, text: string, marker: string) => {
  const ref = refOf(command)
  return {
    kind: 'comment' as const,
    target: targetOf(command),
    request: { marker },
    find: () => taskManagement.findComment(ref, marker).then((found) => (found ? { id: found.id } : null)),
    send: () => taskManagement.addComment(ref, `${disarm(text)}\n\n${marker}`).then(({ id }) => ({ id })),
    remove: ({ id }: { id: string }) => taskManagement.deleteComment(ref, id),
  }
}

const statusOf = async (parts: ReporterParts, command: Event): Promise<string> => {
  const { db } = parts.database
  const place = command.repository ?? ''
  const subject = `${command.subject?.kind}/${command.subject?.key}`
  const live = await liveRunsOf(db, place, subject)
  const newest = live.length > 0 ? null : await newestRunOf(db, place, subject)
  const runs = newest ? [newest] : live
  if (runs.length === 0) return 'There has been no run here yet.'
  const lines = await Promise.all(
    runs.slice(0, mostRuns).map(async (run) => lineOf(run, renderHeadline(await factsOf(parts, run)))),
  )
  return lines.join('\n')
}

const mostRuns = 10

const lineOf = (run: Run, headline: string): string => {
  const where = run.links.commentUrl ? ` · [its comment](${run.links.commentUrl})` : ''
  return `- ${headline} · ${run.workflow}${where}`
}

const refOf = (command: Event): TaskRef => ({
  repository: command.repository ?? '',
  installation: command.installation,
  key: command.subject?.key ?? '',
})

const targetOf = (command: Event): string => `${command.repository}#${command.subject?.key}`

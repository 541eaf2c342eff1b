import type { EffectGuard } from '../domain/effect.ts'
import { codeOf, type Failure, failureOf, JourneymanError } from '../domain/errors.ts'
import type { Run } from '../domain/run.ts'
import { isOperators, subjectOf } from '../domain/subject.ts'
import type { Permission } from '../plugins/version-control/contract.ts'
import type { Tx } from '../store/database.ts'
import { finishRun } from '../store/finish-run.ts'
import { restartForOthers } from '../store/joined-events.ts'
import { holdUndecided, type ReportLease, setAcknowledged, wasShown } from '../store/reporting.ts'
import { hasRefusedBefore } from '../store/runs.ts'
import { disarm } from './disarm.ts'
import { orWithout, type ReporterParts, taskRefOf, tell } from './reporter.ts'
import { isForGood, withReportLease } from './with-report-lease.ts'

export type AcknowledgeParts = ReporterParts & {
  /** Numbers of the bots that may start something. */
  trustedBots: () => number[]
  /** A text as people see it: what hides in it does not count. */
  visibleText: (text: string) => string
  /** Enqueues the acknowledgement of a run, in the transaction that makes it. */
  askAgain: (tx: Tx, runId: string) => Promise<void>
  /** Enqueues the work, in the transaction that says that it may begin. */
  admit: (tx: Tx, runId: string) => Promise<void>
  audit: (
    tx: Tx,
    entry: { actor: string; action: string; runId: string; detail: Record<string, unknown> },
  ) => Promise<void>
}

const mayStart: ReadonlySet<Permission> = new Set(['write', 'maintain', 'admin'])

/**
 * The fast lane: looks up, live, whether the actor may start this. If so: eyes, the progress comment, and the work is let
 * in. If not: one polite refusal, and the run ends. Twice is once.
 */
export const createAcknowledge =
  (parts: AcknowledgeParts) =>
  (runId: string): Promise<'done' | 'busy' | 'gone' | 'failed'> =>
    withReportLease(parts, runId, async (lease) => {
      if (lease.acknowledged || lease.run.state !== 'queued') return { outcome: 'done' as const, told: false }
      const guard: EffectGuard = { runId, role: 'reporter', epoch: lease.epoch, owner: parts.owner }
      try {
        const refusal = await refusalOf(parts, lease.run)
        if (refusal !== null) await refuse(parts, guard, lease.run, refusal)
        else await admit(parts, guard, lease)
      } catch (error) {
        // An app that was taken off the repository, a ticket that is gone: nobody is there to wait for, or to tell.
        if (!isForGood(error)) throw error
        await finishUndecided(parts, guard, absent(lease.run, error))
      }
      return { outcome: 'done', told: true }
    })

/** Which address answered so is nothing to whoever asked for it; what is not there is. */
const absent = (run: Run, error: unknown): unknown => {
  if (codeOf(error) !== 'not_found') return error
  const { kind, key } = subjectOf(run)
  const what =
    kind === 'request' ? run.repository : `${kind === 'change' ? 'pull request' : kind} ${key} of ${run.repository}`
  return new JourneymanError('not_found', `There is no ${what}, or it cannot be seen from here.`, {
    nextAction: 'See that it is there, and that the GitHub App is installed on the repository.',
    cause: error,
  })
}

const finishUndecided = (parts: AcknowledgeParts, guard: EffectGuard, error: unknown): Promise<void> =>
  parts.database.db.transaction().execute(async (tx) => {
    await holdUndecided(tx, guard)
    await finishRun(tx, guard.runId, 'failed', failureOf(error), wasShown)
    await parts.audit(tx, {
      actor: 'journeyman',
      action: 'run.failed',
      runId: guard.runId,
      detail: { failure: failureOf(error).code },
    })
  })

const admit = async (parts: AcknowledgeParts, guard: EffectGuard, lease: ReportLease): Promise<void> => {
  const { run } = lease
  const done = await Promise.allSettled([
    orWithout(parts, run, 'reaction', () => react(parts, guard, run)),
    tell(parts, lease),
  ])
  for (const one of done) if (one.status === 'rejected') throw one.reason
  await parts.database.db.transaction().execute(async (tx) => {
    await holdUndecided(tx, guard)
    await setAcknowledged(tx, run.id)
    await parts.admit(tx, run.id)
  })
}

/** null when the work may begin. What cannot be found out now throws, and is tried again. */
const refusalOf = async (parts: AcknowledgeParts, run: Run): Promise<Failure | null> => {
  const { actor } = run
  // Whoever could ask for it holds the installation's own keys.
  if (isOperators(run)) return null
  if (actor.isBot && !parts.trustedBots().includes(Number(actor.id))) {
    return failureOf(
      new JourneymanError(
        'forbidden',
        `${actor.login} is a bot that this installation does not trust with starting work.`,
        {
          nextAction: `Add its number, ${actor.id}, to github.trusted_bots, if it should be.`,
        },
      ),
    )
  }
  const permission = await parts.versionControl.getPermission(run, actor)
  if (!mayStart.has(permission)) {
    return failureOf(
      new JourneymanError(
        'forbidden',
        `Thank you, ${actor.login}. I start work for people who can write to ${run.repository}, and you have ${permission === 'none' ? 'no' : permission} access.`,
        {
          nextAction: 'Someone with write access can label the issue, or give you that access.',
        },
      ),
    )
  }
  return emptyTicket(parts, run)
}

const emptyTicket = async (parts: AcknowledgeParts, run: Run): Promise<Failure | null> => {
  if (run.subject.startsWith('change/')) return null
  const task = await parts.taskManagement.getTask(taskRefOf(run))
  if (parts.visibleText(task.description) !== '') return null
  return failureOf(
    new JourneymanError(
      'invalid_input',
      'The issue has a title and no text, and I would have to guess what is wanted.',
      {
        nextAction:
          'Please write what should be different afterwards and how one can tell (acceptance criteria, an example, a failing test), then put the label on again.',
      },
    ),
  )
}

const react = (parts: AcknowledgeParts, guard: EffectGuard, run: Run): Promise<unknown> => {
  const add = parts.taskManagement.addReaction
  if (!add || subjectOf(run).kind === 'request') return Promise.resolve()
  const ref = taskRefOf(run)
  const commentId = isOperators(run) ? null : (run.event.fields['comment_id'] ?? null)
  return parts.effects.set(guard, {
    key: 'reaction.eyes',
    kind: 'reaction',
    target: `${run.repository}#${ref.key}`,
    request: { eyes: commentId ?? 'task' },
    send: () => add(ref, commentId, 'eyes').then(() => ({})),
  })
}

const refuse = async (parts: AcknowledgeParts, guard: EffectGuard, run: Run, refusal: Failure): Promise<void> => {
  const ref = taskRefOf(run)
  // Said once to a person on a ticket: a second time it would be a nuisance, and a way to have us write without end.
  if (!(await hasRefusedBefore(parts.database.db, run, refusal.code))) {
    const marker = `<!-- journeyman:refusal:${run.id} -->`
    const text = [disarm(refusal.message), refusal.nextAction ? disarm(refusal.nextAction) : null]
      .filter(Boolean)
      .join('\n\n')
    await parts.effects.once(guard, {
      key: 'comment.refusal',
      kind: 'comment',
      target: `${run.repository}#${ref.key}`,
      request: { marker },
      find: () => parts.taskManagement.findComment(ref, marker).then((found) => (found ? { id: found.id } : null)),
      send: () => parts.taskManagement.addComment(ref, `${text}\n\n${marker}`).then(({ id }) => ({ id })),
      remove: ({ id }) => parts.taskManagement.deleteComment(ref, id),
    })
  }
  await parts.database.db.transaction().execute(async (tx) => {
    await holdUndecided(tx, guard)
    await finishRun(tx, run.id, 'refused', refusal, false)
    const next = refusal.code === 'forbidden' ? await restartForOthers(tx, run) : null
    if (next !== null) await parts.askAgain(tx, next)
    await parts.audit(tx, {
      actor: run.actor.login,
      action: 'run.refused',
      runId: run.id,
      detail: { code: refusal.code },
    })
  })
}

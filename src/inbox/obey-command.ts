import { hasAccess } from '../domain/approver.ts'
import { crashPoint } from '../domain/crash-point.ts'
import { codeOf, type ErrorCode, failureOf, JourneymanError } from '../domain/errors.ts'
import type { Event } from '../domain/event.ts'
import { isLive, type Run } from '../domain/run.ts'
import { newestRunOf } from '../store/runs.ts'
import { isTaken, takeCommand } from '../store/taken-commands.ts'
import { isRunCommand, runCommands } from './command-names.ts'
import { decideApprovals } from './decide-approvals.ts'
import { answerJob, type Given, type ObeyParts, sayOnce, takeOnce } from './given-command.ts'
import { stopRuns } from './stop-runs.ts'
import { lastSeen, whenSaid } from './when-said.ts'

/**
 * What is said to runs that exist, or to us. The permission is looked up live; whoever has none is not answered, since an
 * answer to everybody is a way to have us write without end, and neither is a bot. An answer is a thumb or the progress
 * comment where that says it; words are for who asked for words, or was not understood. A command is taken once, with what it
 * changes and what it is answered with: a job that is done again, or at the same time, finds that, and what came since was
 * not meant.
 */
export const createObeyCommand =
  (parts: ObeyParts) =>
  async (event: Event, delivery: string): Promise<void> => {
    if (event.repository === null || event.subject === null) return
    const place = { repository: event.repository, installation: event.installation }
    const id = `${event.provider}/${event.repository}/${event.revision}`
    if (await isTaken(parts.database.db, id)) return
    const given = { id, event, delivery, place, subject: `${event.subject.kind}/${event.subject.key}` }
    const command = event.fields['command'] ?? ''
    if (command === 'approve') return decideApprovals(parts, given, 'approved')
    if (command === 'reject') return decideApprovals(parts, given, 'rejected')
    const permission = await parts.versionControl.getPermission(place, event.actor)
    if (!hasAccess(permission, 'write')) {
      parts.log('info', 'a command by someone who may not was left alone', { actor: event.actor.login, permission })
      return takeOnce(parts, given)
    }
    if (command === 'stop') await stopRuns(parts, given)
    else if (!event.actor.isBot) await obeyPerson(parts, given, command)
  }

const obeyPerson = async (parts: ObeyParts, given: Given, command: string): Promise<void> => {
  if (command === 'retry') return retryNewest(parts, given)
  const text = command === 'status' ? await parts.answers.status(given.event) : listOf(parts, command)
  await sayOnce(parts, given, text)
}

/** A retry that has begun shows itself in the run's comment; one that cannot be is said why. */
const retryNewest = async (parts: ObeyParts, given: Given): Promise<void> => {
  const { event } = given
  const { db } = parts.database
  const run = await newestRunOf(db, given.place.repository, given.subject)
  try {
    if (!run) throw new JourneymanError('not_found', 'No run here could be tried again.')
    if (isLive(run.state)) throw new JourneymanError('conflict', 'The run here is under way.')
    await requireSeen(parts, given, run)
    const from = (event.fields['arguments'] ?? '').split(/\s/)[0] || null
    await parts.retry(run.id, from, `${event.provider}:${event.actor.login}`, async (tx) => {
      // Somebody else was at it at the same time, and has said what there is to say.
      if (!(await takeCommand(tx, given.id))) throw new JourneymanError('conflict', 'It is taken already.')
      await parts.queue.enqueueAll('acknowledge', [answerJob(given, run.id, 'thumb')], { tx })
    })
    crashPoint('command.taken')
  } catch (error) {
    if (!isSayable(codeOf(error))) throw error
    const { message, nextAction } = failureOf(error)
    await sayOnce(parts, given, [message, nextAction].filter(Boolean).join(' '))
  }
}

/** Said twice while nothing was seen to happen, it is one wish, and not one for each end that comes of it. */
const requireSeen = async (parts: ObeyParts, given: Given, { finishedAt, createdAt }: Run): Promise<void> => {
  if ((finishedAt ?? createdAt) <= lastSeen(await whenSaid(parts, given))) return
  throw new JourneymanError('conflict', 'The run here has ended only after this was said.', {
    nextAction: 'Say it again if that is what is to be tried again.',
  })
}

const isSayable = (code: ErrorCode): boolean => code === 'not_found' || code === 'conflict' || code === 'invalid_input'

const listOf = (parts: ObeyParts, command: string): string => {
  const known = isRunCommand(command)
    ? []
    : [`I do not know \`/ai ${command.replaceAll('`', "'")}\`. This is what there is:`, '']
  const starting = parts
    .starting()
    .map((name) => `- \`/ai ${name}\`: start the work that this installation does for it`)
  const ours = Object.entries(runCommands).map(([name, what]) => `- \`/ai ${name}\`: ${what}`)
  return [...known, ...starting, ...ours].join('\n')
}

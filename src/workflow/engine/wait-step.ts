import { hasAccess } from '../../domain/approver.ts'
import { crashPoint } from '../../domain/crash-point.ts'
import { codeOf, isRetryable, JourneymanError } from '../../domain/errors.ts'
import type { EventName } from '../../domain/event.ts'
import { getRun } from '../../store/runs.ts'
import { type Signal, signalsOf, takeSignal } from '../../store/signals.ts'
import type { WaitStep } from '../language/definition.ts'
import type { Execution, StepContext } from './execution.ts'
import { ParkRequest } from './park-request.ts'

/** Without a timeout of its own (the checker asks for one). */
const defaultTimeoutSeconds = 7 * 86_400

/**
 * `type: wait`. Counts from the beginning of the attempt, by the database's clock, and holds no worker meanwhile.
 *
 *   seconds   over when so many have passed
 *   event     over when such an event has come for the run, also before the step was begun; each is taken by one step.
 *             After `timeout` it ends with that code.
 */
export const runWaitStep = async (step: WaitStep, context: StepContext): Promise<unknown> => {
  const waited = context.execution.journal.attemptSeconds(context.address)
  if (step.event === null) {
    const left = (step.seconds ?? 0) - waited
    if (left > 0) throw new ParkRequest(left)
    return { event: null, waited_seconds: Math.round(waited) }
  }
  const signal = await findSignal(step.event, context)
  if (signal) return { event: { name: signal.event.name, ...signal.event.fields }, waited_seconds: Math.round(waited) }
  const left = (step.timeoutSeconds ?? defaultTimeoutSeconds) - waited
  if (left > 0) throw new ParkRequest(left)
  throw new JourneymanError(
    'timeout',
    `"${step.name}" waited ${step.timeoutSeconds} seconds for ${step.event} in vain.`,
  )
}

const findSignal = async (event: string, context: StepContext): Promise<Signal | null> => {
  const { execution, address } = context
  const { db } = execution.parts.database
  const signals = (await signalsOf(db, execution.run.id)).filter((signal) => signal.event.name === event)
  const taken = signals.find((signal) => signal.takenBy === address)
  if (taken) return taken
  const head = (await getRun(db, execution.run.id))?.links.change?.headSha
  const fitting = await firstThatCounts(
    signals.filter((signal) => signal.takenBy === null && isAbout(signal, head)),
    execution,
  )
  if (!fitting) return null
  // Another branch was quicker. Ends: each time there is one less that nobody has taken.
  if (!(await takeSignal(db, execution.claim, fitting.id, address))) return findSignal(event, context)
  crashPoint('signal.taken')
  return fitting
}

/** What people say counts where they may write; anybody may comment on a public repository. */
const saidByPeople: ReadonlySet<EventName> = new Set(['change.commented', 'change.reviewed', 'message.mentioned'])
/** While the outside does not answer, nobody's permission can be told: it is asked again in a moment. */
const askOutsideAgainSeconds = 15

const firstThatCounts = async (signals: readonly Signal[], { run, parts }: Execution): Promise<Signal | null> => {
  for (const signal of signals) {
    if (!saidByPeople.has(signal.event.name)) return signal
    try {
      if (hasAccess(await parts.versionControl.getPermission(run, signal.event.actor), 'write')) return signal
    } catch (error) {
      if (isRetryable(codeOf(error))) throw new ParkRequest(askOutsideAgainSeconds)
      throw error
    }
  }
  return null
}

/** What was said of an earlier commit of the run's own change says nothing of the present one. */
const isAbout = (signal: Signal, head: string | undefined): boolean => {
  const said = signal.event.fields['head_sha']
  return head === undefined || said === undefined || said === head
}

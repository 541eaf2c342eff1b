import { setTimeout as sleep } from 'node:timers/promises'
import { isLive, type Run } from '../domain/run.ts'
import { isQuiet } from '../queue/is-quiet.ts'
import { type Approval, waitingApprovals } from '../store/approvals.ts'
import type { Db } from '../store/database.ts'
import { isTold } from '../store/reporting.ts'
import { getRun } from '../store/runs.ts'
import { loadSteps, type StepRow } from '../store/steps.ts'
import type { Answer, Deed } from './fixture-schema.ts'
import type { Case } from './read-fixture.ts'
import { skipTime } from './skip-time.ts'

/**
 * Goes on with a case until its run has ended and all is told. A run that works is left alone. One that waits for nothing
 * that is under way is given, in this order: the answer of a person whom it asks, what the case lets happen next, and when
 * nothing of that is left, time. What waits without a time and for nobody is left as it is: that is its end here.
 */
export type Drive = {
  db: Db
  runId: string
  each: Case
  answer: (approval: Approval, answer: Answer) => Promise<void>
  happen: (deed: Deed) => Promise<void>
}

/** `waited`: seconds that were skipped. `stuck`: what the run waits for in vain. `unused`: what never came to happen. */
export type Driven = { waited: number; stuck: string | null; unused: string[] }

const lookEveryMs = 20
/** Of real time: a run that makes no progress is a defect, and a test ends. */
const mostMs = 90_000
/** A wait that is nearly over is not worth moving. */
const shortestSkipSeconds = 0.1

export const driveRun = async (drive: Drive): Promise<Driven> => {
  const { db, runId, each } = drive
  const latest = Date.now() + mostMs
  const answers = new Map(Object.entries(each.answers).map(([step, list]) => [step, [...list]]))
  const later = each.later.filter((deed) => deed.during === undefined)
  let waited = 0
  const ended = (stuck: string | null): Driven => ({ waited, stuck, unused: unusedOf(answers, later) })
  while (Date.now() < latest) {
    const run = await getRun(db, runId)
    if (run === null || (!isLive(run.state) && (await isTold(db, runId)))) return ended(null)
    const moved = isWaiting(run) && (await isQuiet(db)) ? await moveOn(drive, run, answers, later) : 0
    if (moved === null) return ended(await whatFor(db, runId))
    waited += moved
    await sleep(lookEveryMs)
  }
  return ended(`The run did not end within ${mostMs / 1000} seconds. ${await whatFor(db, runId)}`)
}

const isWaiting = (run: Run): boolean =>
  run.state === 'parked' && (run.wakeAt === null || run.wakeAt.getTime() > Date.now() + shortestSkipSeconds * 1000)

/** Seconds that were skipped; null when there is nothing that could come. */
const moveOn = async (
  drive: Drive,
  run: Run,
  answers: Map<string, Answer[]>,
  later: Deed[],
): Promise<number | null> => {
  for (const approval of await waitingApprovals(drive.db, run.id)) {
    const given = answersOf(answers, approval.address)?.shift()
    if (given === undefined) continue
    await drive.answer(approval, given)
    return 0
  }
  const steps = await loadSteps(drive.db, run.id)
  const next = later[0]
  if (next && isDue(next, steps, drive.each.receivers)) {
    later.shift()
    await drive.happen(next)
    return 0
  }
  if (run.wakeAt === null) return null
  const parkedAt = (await parkedSince(drive.db, run.id)) ?? Date.now()
  await skipTime(drive.db, run.id, (run.wakeAt.getTime() - Date.now()) / 1000)
  return (run.wakeAt.getTime() - parkedAt) / 1000
}

const parkedSince = async (db: Db, runId: string): Promise<number | null> => {
  const row = await db.selectFrom('workflow_executions').select('parked_at').where('id', '=', runId).executeTakeFirst()
  return row?.parked_at?.getTime() ?? null
}

const answersOf = (answers: Map<string, Answer[]>, address: string): Answer[] | undefined =>
  answers.get(address) ?? answers.get(nameOf(address))

const nameOf = (address: string): string => (address.split('/').at(-1) ?? '').replace(/[[:].*$/, '')

/** A deed without a place comes when something is waited for that can come: not while a time is waited for. */
const isDue = (deed: Deed, steps: StepRow[], receivers: string[]): boolean => {
  const open = steps.filter((step) => step.state === 'running' || step.retryInSeconds !== null)
  if (deed.when === undefined) return open.some((step) => step.state === 'running' && receivers.includes(step.name))
  return open.some((step) => step.address === deed.when || step.name === deed.when)
}

const unusedOf = (answers: Map<string, Answer[]>, later: Deed[]): string[] => [
  ...[...answers].filter(([, left]) => left.length > 0).map(([step]) => `answers.${step}`),
  ...later.map((deed) => `later: ${JSON.stringify(deed)}`),
]

const whatFor = async (db: Db, runId: string): Promise<string> => {
  const open = (await loadSteps(db, runId)).filter((step) => step.state === 'running')
  const asked = await waitingApprovals(db, runId)
  const places = open.map((step) => `\`${step.address}\``).join(', ') || 'nothing'
  if (asked.length === 0) return `It was at ${places}, and nothing in the test comes for it.`
  return `It waits at ${places} for somebody's yes or no: say it in \`answers\`.`
}

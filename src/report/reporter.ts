import { createHash } from 'node:crypto'
import type { EffectGuard, EffectLedger } from '../domain/effect.ts'
import { type Failure, failureOf } from '../domain/errors.ts'
import type { PlanStep } from '../domain/plan.ts'
import { isLive, type Run, type RunLinks } from '../domain/run.ts'
import { subjectOf } from '../domain/subject.ts'
import type { TaskManagement, TaskRef } from '../plugins/task-management/contract.ts'
import type { VersionControl } from '../plugins/version-control/contract.ts'
import { type Approval, approvalsOf } from '../store/approvals.ts'
import { hasSuccessor, progressComment, type ReportLease } from '../store/reporting.ts'
import { addLinks, getRun } from '../store/runs.ts'
import { loadSteps, type StepRow } from '../store/steps.ts'
import { renderCheckRun } from './check-run.ts'
import { progressMarker, progressTitle, renderProgress } from './progress-comment.ts'
import type { ProgressFacts } from './progress-facts.ts'
import { stateLabels } from './state-labels.ts'
import { isForGood, type LeaseParts, withReportLease } from './with-report-lease.ts'

export type ReporterParts = LeaseParts & {
  owner: string
  effects: EffectLedger
  taskManagement: TaskManagement
  versionControl: VersionControl
  /** The definition's own steps, as people should read them. */
  planOf: (definitionHash: string) => Promise<PlanStep[]>
  costOf: (runId: string) => Promise<number>
  runUrl: (runId: string) => string | null
  sandbox: () => { usable: boolean; kind: string }
  /** Words that the agent has a say in, as they may be told. */
  withhold: (text: string) => string
  everySeconds: () => number
}

export type Telling = 'told' | 'busy' | 'too_early' | 'gone' | 'failed'

/**
 * Redraws what people see of a run from its rows: the one comment, the labels, the check run. At most every so many
 * seconds while it lives; at its end always.
 */
export const createReporter =
  (parts: ReporterParts) =>
  (runId: string): Promise<Telling> =>
    withReportLease<Telling>(parts, runId, async (lease) => {
      if (!lease.acknowledged && isLive(lease.run.state)) return { outcome: 'gone', told: false }
      const early = isLive(lease.run.state) && (lease.sinceReportSeconds ?? Infinity) < parts.everySeconds()
      if (early) return { outcome: 'too_early', told: false }
      await tell(parts, lease)
      return { outcome: 'told', told: true }
    })

/**
 * Under the lease: everything that people see, brought to what the rows say. Without the comment nothing is told, and it
 * throws; labels and the check run are beside it, and where the outside will not have one of them it is done without.
 */
export const tell = async (parts: ReporterParts, lease: ReportLease): Promise<void> => {
  const { db } = parts.database
  // Read again: what stood in the row at the lease may be older than the steps read now.
  const run = (await getRun(db, lease.run.id)) ?? lease.run
  // About no issue and no change: there is no place where it could be told.
  if (subjectOf(run).kind === 'request') return
  const guard: EffectGuard = { runId: run.id, role: 'reporter', epoch: lease.epoch, owner: parts.owner }
  const facts = await factsOf(parts, run)
  const body = renderProgress(facts)
  const comment = await writeComment(parts, guard, run, body)
  if (await mayLabel(parts, facts)) await orWithout(parts, run, 'labels', () => setLabels(parts, guard, run))
  await orWithout(parts, run, 'check run', () => setCheckRun(parts, guard, facts, body))
  await addLinks(db, guard, comment)
}

/** What the outside refuses for good (it is deleted, closed, not permitted) keeps nothing else from being told. */
export const orWithout = async (
  parts: LeaseParts,
  run: Run,
  what: string,
  write: () => Promise<unknown>,
): Promise<void> => {
  try {
    await write()
  } catch (error) {
    if (!isForGood(error)) throw error
    parts.log('warn', 'a part of a report was refused', { run: run.id, what, failure: failureOf(error) })
  }
}

/** The run reads its ticket as it was before we touch its labels, which say its status; of two, the one that ends last has the say. */
const mayLabel = async ({ database }: ReporterParts, { run, steps }: ProgressFacts): Promise<boolean> =>
  isLive(run.state)
    ? steps.some((step) => step.address === '@start' && step.state === 'done')
    : !(await hasSuccessor(database.db, run))

/** What people are shown of a run, as they may be told it. */
export const factsOf = async (parts: ReporterParts, run: Run): Promise<ProgressFacts> => {
  const { db } = parts.database
  const [steps, approvals] = [await loadSteps(db, run.id), await approvalsOf(db, run.id)]
  return {
    run: { ...run, failure: run.failure && tellable(run.failure, parts.withhold) },
    steps: steps.map((step) => shownStep(step, parts.withhold)),
    approvals: approvals.map((approval) => ({ ...approval, shown: withheld(approval.shown, parts.withhold) })),
    plan: await parts.planOf(run.definitionHash),
    cost: await parts.costOf(run.id),
    runUrl: parts.runUrl(run.id),
    sandbox: parts.sandbox(),
    now: new Date(),
  }
}

const shownStep = (step: StepRow, withhold: ReporterParts['withhold']): StepRow => ({
  ...step,
  activity: step.activity && withhold(step.activity),
  reason: step.reason && withhold(step.reason),
  failure: step.failure && tellable(step.failure, withhold),
  memo: step.memo && (withheld(step.memo, withhold) as StepRow['memo']),
})

/** Every text within, keys too. */
const withheld = (value: Approval['shown'], withhold: ReporterParts['withhold']): unknown => {
  if (typeof value === 'string') return withhold(value)
  if (Array.isArray(value)) return value.map((item) => withheld(item, withhold))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [withhold(key), withheld(item, withhold)]))
}

const tellable = (failure: Failure, withhold: ReporterParts['withhold']): Failure => ({
  ...failure,
  message: withhold(failure.message),
  ...(failure.nextAction !== undefined && { nextAction: withhold(failure.nextAction) }),
})

const writeComment = async (parts: ReporterParts, guard: EffectGuard, run: Run, body: string): Promise<RunLinks> => {
  const ref = taskRefOf(run)
  const marker = progressMarker(run.id)
  let created = false
  const comment = await parts.effects.once(guard, {
    key: progressComment,
    kind: 'comment',
    target: targetOf(run),
    request: { marker },
    find: () =>
      parts.taskManagement.findComment(ref, marker).then((found) => (found ? { id: found.id, url: found.url } : null)),
    send: async () => {
      created = true
      const { id, url } = await parts.taskManagement.addComment(ref, body)
      return { id, url }
    },
    remove: ({ id }) => parts.taskManagement.deleteComment(ref, id),
  })
  if (!created && run.finishedAt !== null) await removeTwins(parts, run, marker, comment.id)
  const edited = !created && (await editComment(parts, guard, run, { id: comment.id, body }))
  const edits = created ? 0 : (run.links.commentEdits ?? 0)
  return { commentId: comment.id, commentUrl: comment.url, commentEdits: edits + (edited ? 1 : 0) }
}

/** So many workers may have died with the same request in the air. */
const mostTwins = 3

/**
 * A request that was in the air when its worker died may have arrived after the outside was asked for it: then there are two,
 * and nobody is left who knows of the other. At the end of the run it is looked for.
 */
const removeTwins = (parts: ReporterParts, run: Run, marker: string, id: string): Promise<void> =>
  orWithout(parts, run, 'comment', async () => {
    const ref = taskRefOf(run)
    for (let found = 0; found < mostTwins; found++) {
      const twin = await parts.taskManagement.findComment(ref, marker, id)
      if (twin === null) return
      await parts.taskManagement.deleteComment(ref, twin.id)
    }
  })

/** Whether it was. Whoever has deleted the comment does not want another. */
const editComment = async (
  parts: ReporterParts,
  guard: EffectGuard,
  run: Run,
  { id, body }: { id: string; body: string },
): Promise<boolean> => {
  let edited = false
  await orWithout(parts, run, 'comment', async () => {
    const { sent } = await parts.effects.set(guard, {
      key: `${progressComment}.edit`,
      kind: 'comment',
      target: targetOf(run),
      request: { hash: createHash('sha256').update(body).digest('hex') },
      send: () => parts.taskManagement.updateComment(taskRefOf(run), id, body).then(() => ({ id })),
    })
    edited = sent
  })
  return edited
}

const targetOf = (run: Run): string => `${run.repository}#${taskRefOf(run).key}`

const setLabels = async (parts: ReporterParts, guard: EffectGuard, run: Run): Promise<void> => {
  const ref = taskRefOf(run)
  const change = stateLabels(run)
  await parts.effects.set(guard, {
    key: 'labels.state',
    kind: 'labels',
    target: targetOf(run),
    request: change,
    send: () => parts.taskManagement.setLabels(ref, change).then(() => change),
  })
}

const setCheckRun = async (
  parts: ReporterParts,
  guard: EffectGuard,
  facts: ProgressFacts,
  summary: string,
): Promise<void> => {
  const { run } = facts
  const check = renderCheckRun(run, { title: progressTitle(facts), summary, url: parts.runUrl(run.id) })
  if (!check) return
  const target = `${run.repository}@${check.headSha}`
  const { id } = await parts.effects.once(guard, {
    key: `check_run:${check.headSha}`,
    kind: 'check_run',
    target,
    request: { name: check.name },
    find: () => parts.versionControl.findCheckRun(run, check.headSha, run.id),
    send: () => parts.versionControl.createCheckRun(run, check),
  })
  await parts.effects.set(guard, {
    key: `check_run.edit:${check.headSha}`,
    kind: 'check_run',
    target,
    // Not the summary, which changes with every second that passes: the states are what a check is for.
    request: { status: check.status, conclusion: check.conclusion ?? null, title: check.title },
    send: () => parts.versionControl.updateCheckRun(run, id, check).then(() => ({ id })),
  })
}

export const taskRefOf = (run: Run): TaskRef => ({
  repository: run.repository,
  installation: run.installation,
  key: subjectOf(run).key,
})

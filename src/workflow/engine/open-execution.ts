import { crashPoint } from '../../domain/crash-point.ts'
import { codeOf, errorOf, failureOf, isRetryable } from '../../domain/errors.ts'
import type { Run } from '../../domain/run.ts'
import { subjectOf } from '../../domain/subject.ts'
import { saveProject } from '../../store/projects.ts'
import { saveTask } from '../../store/tasks.ts'
import type { Definition } from '../language/definition.ts'
import { readInput } from '../language/read-input.ts'
import type { EngineParts, Execution, StartFacts } from './execution.ts'
import { isInterruption } from './interruption.ts'
import { type Journal, openJournal } from './journal.ts'
import { ParkRequest } from './park-request.ts'
import { restoreEvaluated } from './restore-evaluated.ts'
import { createRunWorkspace } from './run-workspace.ts'
import { everything, type StepsView, viewOfRun } from './step-facts.ts'
import { createVariables } from './variables.ts'
import type { WriteSteps } from './write-together.ts'

/** Where the facts of the start stand in the journal. */
const startAddress = '@start'

/** Reads the journal, and what a run is about: live at its start, from the journal afterwards. */
export const openExecution = async (
  parts: EngineParts & { writeSteps: WriteSteps },
  given: Pick<Execution, 'run' | 'claim' | 'definition' | 'prompts' | 'signal'> & { assertInTime: () => void },
): Promise<Execution> => {
  const { run, claim, definition } = given
  const journal = await openJournal({ db: parts.database.db, writeSteps: parts.writeSteps }, claim, given.signal)
  const facts = await startFacts(parts, { run, journal, signal: given.signal })
  const view = viewOfRun(journal)
  const system = systemNames(parts, run, facts, view)
  const variables = createVariables({ definition, inputs: inputsOf(definition, run, facts), system })
  restoreEvaluated(journal, variables, '')
  const workspace = createRunWorkspace({
    run,
    claim,
    db: parts.database.db,
    journal,
    workspaces: parts.workspaces,
    versionControl: parts.versionControl,
    repository: () => facts.repository,
    setUp: (opened) => parts.evidence.runSetup(opened, given.signal, () => undefined),
    signal: given.signal,
  })
  const { assertInTime } = given
  const guard = { runId: run.id, role: 'worker', epoch: claim.epoch, owner: claim.owner, assertInTime } as const
  return { ...given, guard, journal, variables, system, view, workspace, facts, rollbacks: new WeakSet(), parts }
}

/** How often the outside may fail to answer before the run does not begin at all. */
const mostStarts = 6

const startFacts = async (
  parts: EngineParts,
  { run, journal, signal }: { run: Run; journal: Journal; signal: AbortSignal },
): Promise<StartFacts> => {
  const row = journal.get(startAddress)
  if (row?.state === 'done') return row.result as StartFacts
  if (row?.state === 'failed' && row.retryInSeconds === null && row.failure) throw errorOf(row.failure)
  signal.throwIfAborted()
  crashPoint('step.before')
  const attempt = await journal.begin(
    startAddress,
    { name: startAddress, kind: 'start' },
    { newAttempt: row?.state !== 'running', acts: true },
  )
  try {
    const facts = await readFacts(parts, run)
    await journal.done(startAddress, { result: facts }, null)
    return journal.get(startAddress)?.result as StartFacts
  } catch (error) {
    if (isInterruption(error)) throw error
    const again = isRetryable(codeOf(error)) && attempt < mostStarts
    const seconds = again ? Math.max(2 ** attempt, (failureOf(error).retryAfterMs ?? 0) / 1000) : null
    await journal.failed(
      startAddress,
      failureOf(error),
      seconds === null ? null : { afterSeconds: seconds, countedAs: 'transient' },
      null,
    )
    if (seconds !== null) throw new ParkRequest(seconds)
    throw error
  }
}

const readFacts = async (parts: EngineParts, run: Run): Promise<StartFacts> => {
  const repository = await parts.versionControl.getRepository(run)
  const { kind, key } = subjectOf(run)
  const isTask = kind === 'issue' || kind === 'task'
  const task = isTask ? await parts.taskManagement.getTask({ ...run, key }) : null
  const change = kind === 'change' ? await parts.versionControl.getChange(run, Number(key)) : null
  const { db } = parts.database
  await saveProject(db, {
    provider: parts.versionControl.name,
    repository: run.repository,
    repositoryUrl: repository.url,
    defaultBranch: repository.defaultBranch,
    installation: run.installation,
  })
  if (task) await saveTask(db, parts.taskManagement.name, run.repository, task)
  const { publicConfig, runUrl } = parts.settings()
  return { task, change, repository, config: publicConfig, runUrl: runUrl(run.id) }
}

/** What the event and the run itself bring for the definition's declared inputs; a default where they bring nothing. */
export const inputsOf = (definition: Definition, run: Run, facts: StartFacts): Record<string, unknown> => {
  const given: Record<string, unknown> = { ...run.event.fields, task_id: facts.task?.key, repository: run.repository }
  return Object.fromEntries(
    Object.entries(definition.inputs)
      .map(([name, spec]) => [name, readInput(name, spec, given[name]) ?? spec.default] as const)
      .filter(([, value]) => value !== undefined && value !== null),
  )
}

export const systemNames = (
  parts: EngineParts,
  run: Run,
  facts: StartFacts,
  view: StepsView,
): Record<string, () => unknown> => ({
  run: () => ({ id: run.id, url: urlOf(parts, run, facts), workflow: run.workflow }),
  // The time at which the run was first begun: a resumed run must see the same.
  now: () => (run.startedAt ?? run.createdAt).toISOString(),
  actor: () => ({ ...run.actor }),
  event: () => ({
    name: run.event.name,
    provider: run.event.provider,
    subject: run.event.subject,
    ...run.event.fields,
  }),
  repository: () => run.repository,
  task: () => facts.task ?? undefined,
  change: () => facts.change ?? undefined,
  task_id: () => facts.task?.key,
  // As it was when the run began: a resumed run must come to the same branch name.
  config: () => facts.config ?? parts.settings().publicConfig,
  steps: () => everything(view),
})

const urlOf = (parts: EngineParts, run: Run, { runUrl }: StartFacts): string | null =>
  runUrl === undefined ? parts.settings().runUrl(run.id) : runUrl

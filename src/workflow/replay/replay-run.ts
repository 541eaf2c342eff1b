import { isDeepStrictEqual } from 'node:util'
import { errorOf, type Failure, failureOf, JourneymanError } from '../../domain/errors.ts'
import type { Run } from '../../domain/run.ts'
import { asStored } from '../../store/json.ts'
import type { StepRow } from '../../store/steps.ts'
import type { EngineParts, Execution, StartFacts, StepContext } from '../engine/execution.ts'
import { boundedInputs } from '../engine/given-inputs.ts'
import { inputsOf, systemNames } from '../engine/open-execution.ts'
import { runMainPart } from '../engine/run-body.ts'
import { runSteps } from '../engine/run-steps.ts'
import { viewOfRun } from '../engine/step-facts.ts'
import { touchesOf } from '../engine/step-kinds.ts'
import { timeRanOutAt, wholeRun } from '../engine/time-ran-out.ts'
import { createTurns } from '../engine/turns.ts'
import { createVariables } from '../engine/variables.ts'
import type { Definition, Step } from '../language/definition.ts'
import { earlierTries, resultAsOf } from './earlier-tries.ts'
import { leafInputs } from './leaf-inputs.ts'
import { createMemoryJournal } from './memory-journal.ts'

/**
 * A place where a run would go otherwise than it went:
 *
 *   new       a step that the journal does not have would be begun
 *   gone      a step of the journal would not be begun any more
 *   inputs    the same step would be given something else
 *   skipped   a step that was done would be skipped, or the other way round
 *   kind      the step is of another kind now
 *   end       the run would end otherwise
 *
 * `guessed`: it comes after a step whose result nobody knows, and may be different for that alone.
 */
export type Difference = {
  address: string
  what: 'new' | 'gone' | 'inputs' | 'skipped' | 'kind' | 'end'
  was: unknown
  is: unknown
  guessed: boolean
}

export type Replay = { steps: number; differences: Difference[] }

/**
 * Goes through a finished run again, by that definition, without doing anything: what each step gave comes from the journal.
 * Throws `conflict` where the journal does not even have the run's beginning.
 */
export const replayRun = async (recorded: Recorded): Promise<Replay> => {
  const { run } = recorded
  const { differences, looked } = await lookAtEarlierTries(recorded)
  const before = new Map(recorded.rows.map((row) => [row.address, row]))
  let guessed = false
  const differ: Differ = (difference) => void differences.push({ ...difference, guessed })
  const replayed = async (step: Step, context: StepContext, run: () => Promise<unknown>): Promise<unknown> => {
    const { address } = context
    const row = before.get(address)
    if (touchesOf(step) === 'inner') return endedInTime(step, address, row, run)
    if (wasCutShort(address, row, recorded.run, before)) throw neverBegun()
    const inputs = asStored(boundedInputs(leafInputs(step, context.execution)))
    if (!row || row.state === 'skipped') {
      differ({ address, what: row ? 'skipped' : 'new', was: row?.reason ?? null, is: inputs })
      // Nobody knows what it would give.
      guessed = true
      return {}
    }
    if (row.kind !== step.type) differ({ address, what: 'kind', was: row.kind, is: step.type })
    else if (!looked.has(address)) compareInputs(row, inputs, differ)
    if (row.state === 'failed' && row.failure) throw errorOf(row.failure)
    if (row.state === 'running') throw new JourneymanError('cancelled', 'It never came to its end.')
    return row.result
  }
  const { execution, journal } = openReplay(recorded, before, replayed)
  const failure = await endOf(execution)
  for (const row of journal.rows()) {
    const known = before.get(row.address)
    if (!wasCutShort(row.address, known, run, before)) compareSkipped(row, known, differ)
  }
  for (const row of recorded.rows) {
    if (!isOutside(row) && journal.get(row.address) === undefined && wasBegun(row)) {
      differ({ address: row.address, what: 'gone', was: row.inputs, is: null })
    }
  }
  const end = { was: endState(run.failure), is: endState(hasRunOut(run) ? run.failure : failure) }
  if (run.state !== 'stopped' && end.was !== end.is) differ({ address: '', what: 'end', ...end })
  return {
    steps: journal.rows().length,
    differences: differences.sort((a, b) => place(a, recorded) - place(b, recorded)),
  }
}

type Recorded = { run: Run; rows: readonly StepRow[]; definition: Definition; prompts: Record<string, string> }

type Differ = (difference: Omit<Difference, 'guessed'>) => void

const compareInputs = (row: StepRow, inputs: unknown, differ: Differ): void => {
  if (row.inputs === null || isDeepStrictEqual(row.inputs, inputs)) return
  differ({ address: row.address, what: 'inputs', was: row.inputs, is: inputs })
}

/** What was done in an earlier try of what holds it is compared in that one. `looked`: what the present definition came to there. */
const lookAtEarlierTries = async (recorded: Recorded): Promise<{ differences: Difference[]; looked: Set<string> }> => {
  const before = new Map(recorded.rows.map((row) => [row.address, row]))
  const doneIn = earlierTries(recorded.rows)
  const differences: Difference[] = []
  const looked = new Set<string>()
  for (const present of new Set(doneIn.values())) {
    let guessed = false
    const replayed = async (step: Step, { address, execution }: StepContext, run: () => Promise<unknown>) => {
      if (touchesOf(step) === 'inner') return run()
      const row = before.get(address)
      if (row && row.kind === step.type && doneIn.get(address) === present) {
        looked.add(address)
        const inputs = asStored(boundedInputs(leafInputs(step, execution)))
        compareInputs(row, inputs, (difference) => void differences.push({ ...difference, guessed }))
      }
      guessed ||= row === undefined
      return row ? resultAsOf(row, present) : {}
    }
    await endOf(openReplay(recorded, before, replayed).execution)
  }
  return { differences, looked }
}

const openReplay = (
  { run, rows, definition, prompts }: Recorded,
  before: ReadonlyMap<string, StepRow>,
  replayed: NonNullable<Execution['replayed']>,
): { execution: Execution; journal: Execution['journal'] } => {
  const facts = rows.find((row) => row.address === '@start')?.result as StartFacts | null | undefined
  if (!facts) {
    throw new JourneymanError('conflict', `The run ${run.id} never came to its first step: there is nothing to replay.`)
  }
  const journal = createMemoryJournal(run.id, before)
  // All else that a step could ask for is asked of the journal.
  const settings = { publicConfig: {}, runUrl: () => null }
  const parts = { settings: () => settings, log: () => undefined } as unknown as EngineParts
  const view = viewOfRun(journal)
  const system = systemNames(parts, run, facts, view)
  const variables = createVariables({ definition, inputs: inputsOf(definition, run, facts), system })
  const workspace = { turn: createTurns().take, snapshot: async () => null, rewind: async () => undefined }
  const execution = {
    ...{ run, definition, prompts, journal, variables, system, view, facts, parts, replayed },
    workspace: workspace as unknown as Execution['workspace'],
    claim: { runId: run.id, epoch: run.epoch, owner: 'replay' },
    guard: { runId: run.id, role: 'worker', epoch: run.epoch, owner: 'replay' },
    signal: new AbortController().signal,
    rollbacks: new WeakSet<JourneymanError>(),
  } satisfies Execution
  return { execution, journal }
}

const endOf = async (execution: Execution): Promise<Failure | null> => {
  try {
    await runMainPart(execution, '', runSteps)
    return null
  } catch (error) {
    return failureOf(error)
  }
}

const compareSkipped = (row: StepRow, before: StepRow | undefined, differ: Differ): void => {
  if (row.state === 'skipped' && before?.state !== 'skipped')
    differ({ address: row.address, what: before ? 'skipped' : 'new', was: before?.state ?? null, is: row.reason })
}

/** What comes before and after the steps themselves is not gone through again. */
const isOutside = (row: StepRow): boolean => row.address.startsWith('@') || row.address.includes('/@')

/**
 * Nothing takes time in a replay: that the time of what holds other steps ran out is known from the journal alone, whatever
 * those would come to now. Where it has no bound any more, that is found out.
 */
const endedInTime = async (
  step: Step,
  address: string,
  row: StepRow | undefined,
  run: () => Promise<unknown>,
): Promise<unknown> => {
  const failure = row?.state === 'failed' && timeRanOutAt(address, row.failure) ? row.failure : null
  if (failure === null || step.timeoutSeconds === null) return run()
  await run().catch(() => undefined)
  throw errorOf(failure)
}

const hasRunOut = (run: Run): boolean => timeRanOutAt(wholeRun, run.failure)

/** Never begun, because another step failed, or what is around it ended first. */
const wasCutShort = (
  address: string,
  row: StepRow | undefined,
  run: Run,
  before: ReadonlyMap<string, StepRow>,
): boolean => {
  if (row) return row.state === 'skipped' && row.memo?.['cancelled'] === true
  for (let at = address.lastIndexOf('/'); at !== -1; at = address.lastIndexOf('/', at - 1)) {
    const around = before.get(address.slice(0, at).replace(/(?:\[\d+\]|:then|:else)$/, ''))
    if (around) return around.state === 'failed' || around.memo?.['cancelled'] === true
  }
  return hasRunOut(run)
}

const neverBegun = () => new JourneymanError('cancelled', 'It was never begun.')

/** What was ended or never begun for the sake of another step depends on which was quicker. */
const wasBegun = (row: StepRow): boolean => row.memo?.['cancelled'] !== true && row.failure?.code !== 'cancelled'

const endState = (failure: Failure | null): string => failure?.code ?? 'done'

const place = (difference: Difference, { rows }: { rows: readonly StepRow[] }): number => {
  const index = rows.findIndex((row) => row.address === difference.address)
  return index === -1 ? rows.length : index
}

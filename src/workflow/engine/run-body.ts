import { within } from '../../domain/address.ts'
import { errorOf, failureOf, JourneymanError } from '../../domain/errors.ts'
import type { Step } from '../language/definition.ts'
import { render, test } from '../language/expressions.ts'
import type { Execution, InnerSteps } from './execution.ts'
import { isInterruption } from './interruption.ts'

/** Prerequisites, steps, success criteria. Throws what the run fails with. */
export const runMainPart = async (
  execution: Execution,
  parent: string,
  runSteps: InnerSteps['runSteps'],
): Promise<void> => {
  const { definition, variables } = execution
  // They are about the start: once a step has begun they have held, and what the run itself changes does not undo them.
  if (!hasBegunAt(execution, parent)) {
    for (const prerequisite of definition.prerequisites) {
      if (test(prerequisite.condition, variables)) continue
      throw new JourneymanError('condition_failed', String(render(prerequisite.errorMessage, variables)))
    }
    requireInputs(execution)
    // Whoever has the slot by now: what follows the end has been begun. A stop, or its time, says itself that it was that.
    if (parent === '' && definition.concurrency !== null && !execution.signal.aborted && hasEndedUnbegun(execution))
      throw withoutItsSlot()
  }
  await runSteps(execution, definition.steps, parent)
  for (const criterion of definition.successCriteria) {
    if (test(criterion.condition, variables)) continue
    throw new JourneymanError('condition_failed', `Not met: ${criterion.description || criterion.condition}.`)
  }
}

/** After the prerequisites: what they say of a run that is about something else helps more than the name of an input. */
const requireInputs = ({ definition, variables }: Execution): void => {
  const required = Object.entries(definition.inputs).filter(([, spec]) => spec.required)
  const missing = required.map(([name]) => name).filter((name) => (variables.get(name) ?? null) === null)
  if (missing.length === 0) return
  throw new JourneymanError(
    'invalid_input',
    `The workflow "${definition.name}" needs ${missing.map((name) => `\`${name}\``).join(', ')}, and what started it brings none.`,
    { nextAction: `Say "journeyman run ${definition.name} ${missing.map((name) => `--input ${name}=…`).join(' ')}".` },
  )
}

/** What follows its end has begun and none of its steps has: the run had ended before them, and does not begin any more. */
export const hasEndedUnbegun = (execution: Execution): boolean =>
  !hasBegunAt(execution, '') && execution.journal.rows().some(({ address }) => /^@(on_failure|always)\//.test(address))

const withoutItsSlot = (): JourneymanError =>
  new JourneymanError('conflict', 'Another run was at work on the same, or has taken its place.', {
    nextAction: 'Start it again.',
  })

const hasBegunAt = ({ definition, journal }: Execution, parent: string): boolean =>
  definition.steps.some((step) => journal.get(within(parent, step.name)) !== undefined)

/** A workflow that another uses: all of it, under that step's address, its post-execution included. */
export const runBody = async (
  execution: Execution,
  parent: string,
  runSteps: InnerSteps['runSteps'],
): Promise<void> => {
  let failure: JourneymanError | null = null
  try {
    await runMainPart(execution, parent, runSteps)
  } catch (error) {
    if (isInterruption(error)) throw error
    failure = error instanceof JourneymanError ? error : errorOf(failureOf(error))
  }
  // What ends the whole leaves the end of this part to the whole.
  if (!execution.signal.aborted) await runAfter(execution, parent, failure, runSteps)
  if (failure !== null) throw failure
}

/** `post_execution`. Whatever happens here is told and changes nothing of how it ended. */
export const runAfter = async (
  execution: Execution,
  parent: string,
  failure: unknown,
  runSteps: InnerSteps['runSteps'],
): Promise<void> => {
  const { always, onSuccess, onFailure } = execution.definition.postExecution
  const own: [string, Step[]] = failure === null ? ['@on_success', onSuccess] : ['@on_failure', onFailure]
  for (const [place, steps] of [own, ['@always', always]] as const) {
    await attemptAfter(execution, () => runSteps(execution, steps, within(parent, place)))
  }
}

/** For what is done after the end: told, and no reason to end otherwise. */
export const attemptAfter = async (execution: Execution, work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (isInterruption(error)) throw error
    execution.parts.log('warn', 'something after the end of a run has failed', {
      run: execution.run.id,
      failure: failureOf(error),
    })
  }
}

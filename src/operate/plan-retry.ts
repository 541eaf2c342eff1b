import { holdersOf } from '../domain/address.ts'
import { JourneymanError } from '../domain/errors.ts'
import type { EndedStep, RetryPlan } from '../store/reopen-run.ts'

/**
 * What of an ended run is done again. What is done stays done, but for what `from` names and all that was begun or finished
 * after it: the work tree goes back to the state before it. What ran after the end (`post_execution`) runs at the new end.
 * `goneOnFrom` are steps whose failure did not end the run. Throws `not_found`, `invalid_input`.
 */
export const planRetry = (
  steps: EndedStep[],
  options: { from: string | null; goneOnFrom: ReadonlySet<string> },
): RetryPlan => {
  const target = options.from === null ? null : targetOf(steps, options.from)
  const forgotten = new Set(steps.filter(isForgotten).map(({ address }) => address))
  if (target) for (const { address } of redoneFrom(steps, target)) forgotten.add(address)
  const again = steps.filter(
    (step) =>
      !forgotten.has(step.address) &&
      !isPlace(step) &&
      ((target !== null && isWithin(target, step)) ||
        (isUnfinished(step) && !isSettled(step, steps, options.goneOnFrom))),
  )
  for (const step of steps) if (again.some((one) => isAfterEndOf(step, one))) forgotten.add(step.address)
  return {
    tryAgain: again.map(({ address }) => address).filter((address) => !forgotten.has(address)),
    forget: [...forgotten],
  }
}

const isForgotten = ({ address, state, cancelled }: EndedStep): boolean =>
  /^@(always|on_success|on_failure)\b/.test(address) ||
  (address === '@start' && state !== 'done') ||
  (state === 'skipped' && cancelled)

/**
 * What it is in is gone on with; what was done later saw what it had left. Of what holds any of that the whole is done again: it
 * would be done without it otherwise.
 */
const redoneFrom = (steps: EndedStep[], target: EndedStep): EndedStep[] => {
  const isLater = (step: EndedStep): boolean =>
    step.ordinal >= target.ordinal ||
    (step.finishOrder !== null && target.finishOrder !== null && step.finishOrder > target.finishOrder)
  const around = new Set(holdersOf(target.address))
  const redone = new Set<string>()
  for (const step of steps) {
    if (isPlace(step) || around.has(step.address) || !isLater(step)) continue
    for (const one of [step.address, ...holdersOf(step.address)]) if (!around.has(one)) redone.add(one)
  }
  return steps.filter(({ address }) => [address, ...holdersOf(address)].some((one) => redone.has(one)))
}

const isUnfinished = ({ state }: EndedStep): boolean => state === 'failed' || state === 'running'

/** The run went on from its failure, or from that of what it is in, or what it is in was done all the same. */
const isSettled = (step: EndedStep, steps: EndedStep[], goneOnFrom: ReadonlySet<string>): boolean =>
  isGoneOnFrom(step, goneOnFrom) ||
  steps.some((one) => (one.state === 'done' || isGoneOnFrom(one, goneOnFrom)) && isWithin(step, one))

/** Whoever is to go on from a failure goes on from no end that was not the step's own. */
const isGoneOnFrom = ({ address, state, cut }: EndedStep, goneOnFrom: ReadonlySet<string>): boolean =>
  state === 'failed' && !cut && goneOnFrom.has(address)

/** Of a workflow within the run, what ran at its end. */
const isAfterEndOf = (step: EndedStep, container: EndedStep): boolean =>
  container.kind === 'workflow' && step.address.startsWith(`${container.address}/@`)

/** Whether a step is inside another: in it, in an iteration or a branch of it. */
const isWithin = ({ address }: EndedStep, container: EndedStep): boolean =>
  ['/', '[', ':'].some((mark) => address.startsWith(`${container.address}${mark}`))

const isPlace = ({ address }: EndedStep): boolean => address.startsWith('@')

const targetOf = (steps: EndedStep[], from: string): EndedStep => {
  const own = steps.filter(({ address }) => !address.includes('@'))
  const exact = own.find(({ address }) => address === from)
  if (exact) return exact
  const [one, ...others] = own.filter(({ name }) => name === from)
  if (one && others.length === 0) return one
  if (one) {
    const addresses = [one, ...others].slice(0, 10).map(({ address }) => address)
    throw new JourneymanError('invalid_input', `Several steps are called "${from}".`, {
      nextAction: `Give the address of the one that is meant: ${addresses.join(', ')}.`,
    })
  }
  const begun = own.slice(0, 20).map(({ address }) => address)
  throw new JourneymanError('not_found', `The run has not come to a step "${from}".`, {
    nextAction: begun.length === 0 ? 'Try it again without --from.' : `It has come to: ${begun.join(', ')}.`,
  })
}

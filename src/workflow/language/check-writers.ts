import type { Checking } from './checking.ts'
import type { ParallelStep, Step } from './definition.ts'
import { settersIn } from './names-set-by.ts'
import type { Needs } from './needs.ts'

/** In a parallel group no two steps set the same variable: which of them is the later one would be a matter of luck. */
export const checkGroupWriters = (step: ParallelStep, checking: Checking): void =>
  checkWriters(step.steps, () => false, checking)

/** In a graph only steps of which one needs the other. */
export const checkGraphWriters = (steps: readonly Step[], needs: Needs, checking: Checking): void =>
  checkWriters(steps, (one, other) => needs.isAfter(one, other) || needs.isAfter(other, one), checking)

const checkWriters = (
  steps: readonly Step[],
  isOrdered: (one: number, other: number) => boolean,
  checking: Checking,
): void => {
  const writers = new Map<string, number[]>()
  for (const [place, step] of steps.entries()) {
    for (const name of settersIn([step]).keys()) {
      const earlier = writers.get(name) ?? []
      writers.set(name, earlier)
      const rival = earlier.find((other) => !isOrdered(place, other))
      if (rival === undefined) earlier.push(place)
      else {
        const message = `\`${steps[rival]!.name}\` and \`${step.name}\` both set \`${name}\`, at the same time.`
        checking.report([...checking.pathOf(step), 'outputs'], message)
      }
    }
  }
}

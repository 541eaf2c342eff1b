import type { ParallelStep, Step } from './definition.ts'
import type { Needs } from './needs.ts'
import { flatten } from './steps-within.ts'

/** Why `steps.<name>` shows nothing of that step at some place: a sentence, or null where it does. */
export type HiddenSteps = (name: string) => string | null

export const nothingHidden: HiddenSteps = () => null

/** In a parallel group a step sees nothing of the others: how far they have come depends on which is quicker. */
export const hiddenInGroup = (group: ParallelStep, around: HiddenSteps): ((place: number) => HiddenSteps) =>
  hiddenBeside(group.steps, around, (own, other, name) => {
    const instead = `Read it behind the group \`${group.name}\`, or make a graph of the steps and say \`needs: [${other.name}]\`.`
    return `\`${name}\` runs at the same time as \`${own.name}\`, which sees nothing of it. ${instead}`
  })

/** In a graph a step sees what it needs. */
export const hiddenInGraph = (
  steps: readonly Step[],
  needs: Needs,
  around: HiddenSteps,
): ((place: number) => HiddenSteps) =>
  hiddenBeside(steps, around, (own, other, name, [place, otherPlace]) => {
    if (needs.isAfter(place, otherPlace)) return null
    if (needs.isAfter(otherPlace, place)) return `\`${name}\` begins only when \`${own.name}\` has ended.`
    return `\`${name}\` may run at the same time as \`${own.name}\`, which sees nothing of it. Let \`${own.name}\` say \`needs: [${other.name}]\`.`
  })

const hiddenBeside = (
  steps: readonly Step[],
  around: HiddenSteps,
  why: (own: Step, other: Step, name: string, places: [number, number]) => string | null,
): ((place: number) => HiddenSteps) => {
  const places = new Map(steps.flatMap((step, place) => flatten([step]).map(({ name }) => [name, place] as const)))
  return (place) => (name) => {
    const other = places.get(name)
    if (other === undefined || other === place) return around(name)
    return why(steps[place]!, steps[other]!, name, [place, other])
  }
}

import type { Checking } from './checking.ts'
import type { Step } from './definition.ts'
import { suggestion } from './nearest.ts'
import { afterSteps, everyStep, listsWithin } from './steps-within.ts'

/** `needs` name steps of the same list, and never lead back to where they began. */
export const checkNeeds = (checking: Checking): void => {
  const { definition } = checking
  const lists = [definition.steps, afterSteps(definition), ...everyStep(definition).flatMap(listsWithin)]
  for (const list of lists) {
    checkNames(list, checking)
    checkCycles(list, checking)
  }
}

const checkNames = (list: Step[], checking: Checking): void => {
  const names = list.map((step) => step.name)
  for (const step of list) {
    step.needs.forEach((need, index) => {
      if (names.includes(need)) return
      const path = [...checking.pathOf(step), 'needs', index]
      checking.report(path, `There is no step \`${need}\` in the same list.${suggestion(need, names)}`)
    })
  }
}

const checkCycles = (list: Step[], checking: Checking): void => {
  const byName = new Map(list.map((step) => [step.name, step]))
  const done = new Set<string>()
  const visit = (step: Step, trail: string[]): void => {
    if (done.has(step.name)) return
    const start = trail.indexOf(step.name)
    if (start !== -1) {
      const ring = [...trail.slice(start), step.name].join(' -> ')
      checking.report([...checking.pathOf(step), 'needs'], `These steps need each other in a circle: ${ring}.`)
      for (const name of trail.slice(start)) done.add(name)
      return
    }
    for (const need of step.needs) {
      const next = byName.get(need)
      if (next) visit(next, [...trail, step.name])
    }
    done.add(step.name)
  }
  for (const step of list) visit(step, [])
}

/** The steps that a step needs, and those that they need. */
export const neededBy = (step: Step, list: ReadonlyMap<string, Step>): Set<string> => {
  const needed = new Set<string>()
  const open = [...step.needs]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue
    needed.add(name)
    open.push(...(list.get(name)?.needs ?? []))
  }
  return needed
}

import type { Checking } from './checking.ts'
import type { Step } from './definition.ts'
import { suggestion } from './nearest.ts'
import { afterLists, everyStep, listsWithin } from './steps-within.ts'
import { noName } from './unread-step.ts'

/** `needs` name steps of the same list, and never lead back to where they began. */
export const checkNeeds = (checking: Checking): void => {
  const { definition } = checking
  const lists = [definition.steps, ...afterLists(definition), ...everyStep(definition).flatMap(listsWithin)]
  for (const list of lists) {
    checkNames(list, checking)
    checkCycles(list, checking)
  }
}

const checkNames = (list: Step[], checking: Checking): void => {
  const names = new Set(list.map((step) => step.name))
  for (const step of list) {
    step.needs.forEach((need, index) => {
      const path = [...checking.pathOf(step), 'needs', index]
      if (names.has(need) || names.has(noName) || checking.gaps.isBroken(path)) return
      checking.report(path, `There is no step \`${need}\` in the same list.${suggestion(need, names)}`)
    })
  }
}

const checkCycles = (list: Step[], checking: Checking): void => {
  const byName = new Map(list.map((step) => [step.name, step]))
  const done = new Set<string>()
  const trail: string[] = []
  const visit = (step: Step): void => {
    if (done.has(step.name)) return
    const start = trail.indexOf(step.name)
    if (start !== -1) {
      const ring = [...trail.slice(start), step.name].join(' -> ')
      checking.report([...checking.pathOf(step), 'needs'], `These steps need each other in a circle: ${ring}.`)
      for (const name of trail.slice(start)) done.add(name)
      return
    }
    trail.push(step.name)
    for (const need of step.needs) {
      const next = byName.get(need)
      if (next) visit(next)
    }
    trail.pop()
    done.add(step.name)
  }
  for (const step of list) visit(step)
}

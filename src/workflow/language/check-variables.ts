import { findActionSpec } from '../actions/specs.ts'
import { checkSite, type Use, usesOf } from './check-expressions.ts'
import { checkUse, type Question } from './check-use.ts'
import { checkGraphWriters, checkGroupWriters } from './check-writers.ts'
import type { Checking } from './checking.ts'
import type { Step } from './definition.ts'
import { type HiddenSteps, hiddenInGraph, hiddenInGroup, nothingHidden } from './hidden-steps.ts'
import { subjectNames, systemNames } from './known-names.ts'
import { namesSetBy, settersIn } from './names-set-by.ts'
import { transitiveNeeds } from './needs.ts'
import {
  concurrencySites,
  criterionSites,
  prerequisiteSites,
  rollbackSites,
  type Site,
  sitesOf,
  variableSites,
} from './sites.ts'
import { addTo, joined, type Names, type Standing, standingAfter, sure, weakened } from './standings.ts'

/** Follows the steps as the engine will and asks of every name that is used: is it set by then, on every way there? */
export const checkVariables = (checking: Checking): void => {
  const { definition } = checking
  const flow = beginFlow(checking)
  const start = flow.start
  for (const name of Object.keys(definition.variables)) {
    for (const site of variableSites(definition, name)) checkSite(site, checking)
  }
  for (const site of [...prerequisiteSites(definition), ...concurrencySites(definition)]) flow.check(site, start)
  const end = walkList(definition.steps, start, flow)
  for (const site of criterionSites(definition)) flow.check(site, end)
  walkList(definition.postExecution.onSuccess, end, flow)
  // After a failure any step may not have come to its outputs.
  const broken = weakened(end, start, 'the run may have failed before it was set')
  walkList(definition.postExecution.onFailure, broken, flow)
  walkList(definition.postExecution.always, broken, flow)
}

type Flow = {
  checking: Checking
  start: Names
  /** The steps of which nothing is seen where the flow has come to. */
  hidden: HiddenSteps
  check: (site: Site, names: Names, extra?: Partial<Pick<Question, 'guard' | 'result' | 'hidden'>>) => void
}

const beginFlow = (checking: Checking): Flow => {
  const { definition } = checking
  const setters = settersIn(definition.steps)
  const usesOfVariable = remembered((name) =>
    variableSites(definition, name).flatMap((site): Use[] => usesOf(site, checking)),
  )
  return {
    checking,
    start: namesAtStart(checking),
    hidden: nothingHidden,
    check: (site, names, extra = {}) => {
      const { guard = null, result = null, hidden = nothingHidden } = extra
      const all = extra.result === undefined ? names : new Map([...names, ['result', sure]])
      const question = { checking, names: all, setters, usesOfVariable, guard, result, hidden }
      for (const use of checkSite(site, checking)) checkUse(use, question)
    },
  }
}

/** A variable may be used by every step, and need many others. */
const remembered = <T>(find: (name: string) => T): ((name: string) => T) => {
  const known = new Map<string, T>()
  return (name) => {
    const found = known.get(name) ?? find(name)
    known.set(name, found)
    return found
  }
}

const namesAtStart = ({ definition }: Checking): Names => {
  const start = new Map<string, Standing>()
  for (const name of [...systemNames, ...subjectNames(definition)]) start.set(name, sure)
  for (const [name, input] of Object.entries(definition.inputs)) {
    const given = input.required || input.default !== null || start.has(name)
    const reason = `the input \`${name}\` is neither required nor has a default`
    start.set(name, given ? sure : { sure: false, reason, severity: 'error', guard: null })
  }
  return start
}

const walkList = (steps: readonly Step[], names: Names, flow: Flow): Names => {
  if (steps.some((step) => step.needs.length > 0)) return walkGraph(steps, names, flow)
  const running = new Map(names)
  for (const step of steps) walkStep(step, running, flow)
  return running
}

/** With `needs`, a step can rely on what it needs, and on nothing else of the same list. */
const walkGraph = (steps: readonly Step[], names: Names, flow: Flow): Names => {
  const needs = transitiveNeeds(steps)
  checkGraphWriters(steps, needs, flow.checking)
  const hiddenAt = hiddenInGraph(steps, needs, flow.hidden)
  const written: { place: number; name: string; standing: Standing }[] = []
  for (const place of needs.order) {
    const step = steps[place]!
    const before = new Map(names)
    for (const one of written) if (needs.isAfter(place, one.place)) addTo(before, [[one.name, one.standing]])
    walkStep(step, before, { ...flow, hidden: hiddenAt(place) })
    for (const name of settersIn([step]).keys()) written.push({ place, name, standing: before.get(name)! })
  }
  const after = new Map(names)
  addTo(
    after,
    written.map(({ name, standing }) => [name, standing] as const),
  )
  return after
}

/** `names` becomes what is known behind the step. */
const walkStep = (step: Step, names: Map<string, Standing>, flow: Flow): void => {
  const path = flow.checking.pathOf(step)
  const { hidden } = flow
  for (const site of sitesOf(step, path)) flow.check(site, names, { guard: step.condition, hidden })
  walkInside(step, names, flow)
  for (const name of namesSetBy(step)) names.set(name, standingAfter(step, names.get(name)))
  const result = resultOf(step, flow.checking)
  for (const site of rollbackSites(step, path)) flow.check(site, names, { guard: step.condition, result, hidden })
}

/** What the step gives, for what undoes it; null where that is not known. */
const resultOf = (step: Step, { context }: Checking): readonly string[] | null => {
  if (step.type === 'plugin') return findActionSpec(step.plugin, step.action, context.actions)?.outputs ?? null
  return step.type === 'ai_action' && Object.hasOwn(context.agents, step.agent)
    ? (context.agents[step.agent]?.outputs ?? null)
    : null
}

const walkInside = (step: Step, names: Map<string, Standing>, flow: Flow): void => {
  if (step.type === 'conditional') {
    const reason = `it is set only in one branch of \`${step.name}\``
    const branches = [walkList(step.then, names, flow), walkList(step.else, names, flow)]
    takeOver(step, names, joined(names, branches, reason))
  } else if (step.type === 'parallel') {
    checkGroupWriters(step, flow.checking)
    const after = new Map(names)
    const hiddenAt = hiddenInGroup(step, flow.hidden)
    for (const [place, inner] of step.steps.entries()) {
      const branch = new Map(names)
      walkStep(inner, branch, { ...flow, hidden: hiddenAt(place) })
      addTo(after, branch)
    }
    takeOver(step, names, after)
  } else if (step.type === 'loop') {
    const body = walkList(step.steps, new Map([...names, [step.as, sure], ['loop', sure]]), flow)
    const after = new Map(weakened(body, names, `it is set in the loop \`${step.name}\`, which may run no time`))
    for (const own of [step.as, 'loop']) if (!names.has(own)) after.delete(own)
    takeOver(step, names, after)
  }
}

/** What holds the steps may be left out, or fail and be gone on from: then they have set nothing. */
const takeOver = (step: Step, names: Map<string, Standing>, after: Names): void => {
  for (const [name, standing] of after) {
    const before = names.get(name)
    if (before?.sure) continue
    names.set(name, standing.sure ? standingAfter(step, before) : standing)
  }
}

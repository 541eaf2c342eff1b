import { checkSite } from './check-expressions.ts'
import { neededBy } from './check-needs.ts'
import { checkUse } from './check-use.ts'
import type { Checking } from './checking.ts'
import type { Step } from './definition.ts'
import { subjectNames, systemNames } from './known-names.ts'
import {
  concurrencySites,
  criterionSites,
  prerequisiteSites,
  rollbackSites,
  type Site,
  sitesOf,
  variableSites,
} from './sites.ts'
import { joined, merged, type Names, type Standing, sure, weakened } from './standings.ts'
import { flatten } from './steps-within.ts'

/** Follows the steps as the engine will and asks of every name that is used: is it set by then, on every way there? */
export const checkVariables = (checking: Checking): void => {
  const { definition } = checking
  const flow = beginFlow(checking)
  const start = flow.start
  for (const name of Object.keys(definition.variables)) {
    for (const site of variableSites(definition, name)) checkSite(site, checking)
  }
  for (const site of [...prerequisiteSites(definition), ...concurrencySites(definition)]) flow.check(site, start)
  const end = flow.walk(definition.steps, start)
  for (const site of criterionSites(definition)) flow.check(site, end)
  flow.walk(definition.postExecution.onSuccess, end)
  // After a failure any step may not have come to its outputs.
  const broken = weakened(end, start, 'the run may have failed before it was set')
  flow.walk(definition.postExecution.onFailure, broken)
  flow.walk(definition.postExecution.always, broken)
}

type Flow = {
  checking: Checking
  start: Names
  check: (site: Site, names: Names, extra?: { guard?: string | null; names?: string[] }) => void
  walk: (steps: readonly Step[], names: Names) => Names
}

const beginFlow = (checking: Checking): Flow => {
  const { definition } = checking
  const setters = settersIn(definition.steps)
  const start = new Map<string, Standing>()
  for (const name of [...systemNames, ...subjectNames(definition)]) start.set(name, sure)
  for (const [name, input] of Object.entries(definition.inputs)) {
    const given = input.required || input.default !== null || start.has(name)
    const reason = `the input \`${name}\` is neither required nor has a default`
    start.set(name, given ? sure : { sure: false, reason, severity: 'error', guard: null })
  }
  const flow: Flow = {
    checking,
    start,
    check: (site, names, extra = {}) => {
      const all = extra.names ? new Map([...names, ...extra.names.map((name) => [name, sure] as const)]) : names
      for (const use of checkSite(site, checking))
        checkUse(use, { checking, names: all, setters, guard: extra.guard ?? null })
    },
    walk: (steps, names) => walkList(steps, names, flow),
  }
  return flow
}

/** Variable -> the first step that sets it. */
const settersIn = (steps: readonly Step[]): Map<string, Step> => {
  const setters = new Map<string, Step>()
  for (const step of flatten([...steps])) {
    for (const name of namesSetBy(step)) if (!setters.has(name)) setters.set(name, step)
  }
  return setters
}

const namesSetBy = (step: Step): string[] => {
  const outputs = Object.values(step.outputs).map((path) => path.split('.')[0] as string)
  return step.type === 'system' && step.action === 'set' ? [...Object.keys(step.inputs), ...outputs] : outputs
}

const walkList = (steps: readonly Step[], names: Names, flow: Flow): Names => {
  if (steps.some((step) => step.needs.length > 0)) return walkGraph(steps, names, flow)
  return steps.reduce<Names>((before, step) => walkStep(step, before, flow), names)
}

/** With `needs`, a step can rely on what it needs, and on nothing else of the same list. */
const walkGraph = (steps: readonly Step[], names: Names, flow: Flow): Names => {
  const after = new Map<string, Names>()
  const byName = new Map(steps.map((step) => [step.name, step]))
  const visit = (step: Step, trail: ReadonlySet<string>): Names => {
    const known = after.get(step.name)
    if (known) return known
    const needs = neededBy(step, byName)
    const needed = steps.filter((other) => needs.has(other.name) && !trail.has(other.name))
    const before = merged(
      names,
      needed.map((other) => visit(other, new Set([...trail, step.name]))),
    )
    const result = walkStep(step, before, flow)
    after.set(step.name, result)
    return result
  }
  return merged(
    names,
    steps.map((step) => visit(step, new Set())),
  )
}

const walkStep = (step: Step, names: Names, flow: Flow): Names => {
  const path = flow.checking.pathOf(step)
  for (const site of sitesOf(step, path)) flow.check(site, names, { guard: step.condition })
  const inside = walkInside(step, names, flow)
  const result = new Map(inside)
  for (const name of namesSetBy(step)) result.set(name, standingAfter(step, names.get(name)))
  for (const site of rollbackSites(step, path)) flow.check(site, result, { guard: step.condition, names: ['result'] })
  return result
}

const standingAfter = (step: Step, before: Standing | undefined): Standing => {
  if (before?.sure) return sure
  if (step.condition !== null) {
    const reason = `it is set only by the step \`${step.name}\`, whose condition may not hold`
    return { sure: false, reason, severity: 'error', guard: step.condition }
  }
  if (step.onError !== 'continue') return sure
  const reason = `the step \`${step.name}\`, which sets it, may fail and the run goes on`
  return { sure: false, reason, severity: 'warning', guard: null }
}

const walkInside = (step: Step, names: Names, flow: Flow): Names => {
  if (step.type === 'conditional') {
    const reason = `it is set only in one branch of \`${step.name}\``
    return joined(names, [walkList(step.then, names, flow), walkList(step.else, names, flow)], reason)
  }
  if (step.type === 'parallel') {
    checkWriters(step, flow.checking)
    return guardedBy(
      step,
      names,
      merged(
        names,
        step.steps.map((inner) => walkStep(inner, names, flow)),
      ),
    )
  }
  if (step.type === 'loop') {
    const body = walkList(step.steps, new Map([...names, [step.as, sure], ['loop', sure]]), flow)
    const after = new Map(weakened(body, names, `it is set in the loop \`${step.name}\`, which may run no time`))
    if (!names.has(step.as)) after.delete(step.as)
    if (!names.has('loop')) after.delete('loop')
    return after
  }
  return names
}

const guardedBy = (step: Step, before: Names, after: Names): Names =>
  new Map(
    [...after].map(([name, standing]) => [
      name,
      before.get(name) ?? (standing.sure ? standingAfter(step, undefined) : standing),
    ]),
  )

const checkWriters = (step: Step & { type: 'parallel' }, checking: Checking): void => {
  const writers = new Map<string, Step>()
  for (const inner of step.steps) {
    for (const name of new Set(flatten([inner]).flatMap(namesSetBy))) {
      const first = writers.get(name)
      const message = `\`${first?.name}\` and \`${inner.name}\` both set \`${name}\`, at the same time.`
      if (first) checking.report([...checking.pathOf(inner), 'outputs'], message)
      else writers.set(name, inner)
    }
  }
}

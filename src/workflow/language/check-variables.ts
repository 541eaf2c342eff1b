import { findActionSpec } from '../actions/specs.ts'
import { checkSite, type Use, usesOf } from './check-expressions.ts'
import { checkUse, type Question } from './check-use.ts'
import { checkGraphWriters, checkGroupWriters } from './check-writers.ts'
import type { Checking } from './checking.ts'
import { strategyIsClear } from './clear-steps.ts'
import type { LoopStep, Step } from './definition.ts'
import { type HiddenSteps, hiddenInGraph, hiddenInGroup, nothingHidden } from './hidden-steps.ts'
import { systemNames } from './known-names.ts'
import { allSetWithin, anyName, mayAlsoSet } from './may-set.ts'
import { namesSetBy } from './names-set-by.ts'
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
import { addTo, joined, type Names, open, type Standing, standingAfter, sure, weakened } from './standings.ts'
import { listsWithin } from './steps-within.ts'
import { noName } from './unread-step.ts'

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
  /** It may come here once more and see what was there the time before, whatever goes on beside it now. */
  mayRepeat: boolean
  check: (site: Site, names: Names, extra?: Partial<Pick<Question, 'guard' | 'result' | 'hidden'>>) => void
}

const beginFlow = (checking: Checking): Flow => {
  const { definition } = checking
  const setters = allSetWithin(definition.steps, checking)
  const usesOfVariable = remembered((name) =>
    variableSites(definition, name).flatMap((site): Use[] => usesOf(site, checking)),
  )
  return {
    checking,
    start: namesAtStart(checking),
    hidden: nothingHidden,
    mayRepeat: false,
    check: (site, names, extra = {}) => {
      const { guard = { condition: null }, result = null, hidden = nothingHidden } = extra
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

const namesAtStart = ({ definition, gaps, subjects }: Checking): Names => {
  const start = new Map<string, Standing>()
  for (const name of systemNames) start.set(name, sure)
  for (const name of subjects) start.set(name, gaps.isClear(['on']) ? sure : open)
  for (const [name, input] of Object.entries(definition.inputs)) {
    const given = input.required || input.default !== null || start.has(name)
    const reason = `the input \`${name}\` is neither required nor has a default`
    const standing: Standing = given ? sure : { sure: false, reason, severity: 'error', guard: null }
    start.set(name, gaps.isClear(['inputs', name]) ? standing : open)
  }
  for (const word of gaps.wordsAt([])) if (!start.get(word)?.sure) start.set(word, open)
  if (gaps.isBroken(['inputs']) || gaps.isBroken(['variables'])) start.set(anyName, open)
  return start
}

const walkList = (steps: readonly Step[], names: Names, flow: Flow): Names => {
  if (steps.some((step) => step.needs.length > 0)) return walkGraph(steps, names, flow)
  const running = new Map(names)
  for (const step of steps) {
    if (needsAreClear(step, flow)) walkStep(step, running, flow)
    else walkAnywhere(step, steps, running, flow)
  }
  return running
}

const needsAreClear = (step: Step, { checking }: Flow): boolean =>
  checking.gaps.isClear([...checking.pathOf(step), 'needs'])

/** When its `needs` are mended, the step may come after any other of its list. */
const walkAnywhere = (step: Step, list: readonly Step[], running: Map<string, Standing>, flow: Flow): void => {
  const others = list.filter((other) => other !== step)
  const before = withOpen(running, allSetWithin(others, flow.checking).keys())
  walkStep(step, before, flow)
  const own = [...allSetWithin([step], flow.checking).keys()]
  addTo(
    running,
    own.map((name) => [name, before.get(name) ?? open] as const),
  )
}

const withOpen = (names: Names, more: Iterable<string>): Map<string, Standing> => {
  const all = new Map(names)
  addTo(
    all,
    [...more].map((name) => [name, open] as const),
  )
  return all
}

/** With `needs`, a step can rely on what it needs, and on nothing else of the same list. */
const walkGraph = (steps: readonly Step[], names: Names, flow: Flow): Names => {
  const needs = transitiveNeeds(steps)
  const isClear = steps.every((step) => step.name !== noName && needsAreClear(step, flow))
  if (isClear) checkGraphWriters(steps, needs, flow.checking)
  const anywhere = isClear ? [] : [...allSetWithin(steps, flow.checking).keys()]
  const hiddenAt = isClear && !flow.mayRepeat ? hiddenInGraph(steps, needs, flow.hidden) : () => flow.hidden
  const written: { place: number; name: string; standing: Standing }[] = []
  for (const place of needs.order) {
    const step = steps[place]!
    const mayBeLater = step.needs.length > 0 || !needsAreClear(step, flow)
    const before = withOpen(names, mayBeLater ? anywhere : [])
    for (const one of written) if (needs.isAfter(place, one.place)) addTo(before, [[one.name, one.standing]])
    walkStep(step, before, { ...flow, hidden: hiddenAt(place) })
    const own = allSetWithin([step], flow.checking).keys()
    for (const name of own) written.push({ place, name, standing: before.get(name) ?? open })
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
  const { hidden } = flow
  const { gaps, pathOf } = flow.checking
  const path = pathOf(step)
  const isSettled = gaps.isClear([...path, 'condition'])
  const guard: Question['guard'] = isSettled ? { condition: step.condition } : 'unclear'
  for (const site of sitesOf(step, path)) flow.check(site, names, { guard, hidden })
  walkInside(step, names, flow)
  const isSure = isSettled && strategyIsClear(step, flow.checking)
  for (const name of namesSetBy(step)) names.set(name, isSure ? standingAfter(step, names.get(name)) : open)
  addTo(
    names,
    mayAlsoSet(step, flow.checking).map((name) => [name, open] as const),
  )
  const result = resultOf(step, flow.checking)
  for (const site of rollbackSites(step, path)) flow.check(site, names, { guard, result, hidden })
}

/** What the step gives, for what undoes it; null where that is not known. */
const resultOf = (step: Step, { context, gaps, pathOf }: Checking): readonly string[] | null => {
  if (gaps.isBroken([...pathOf(step), 'type'])) return null
  if (step.type === 'plugin') return findActionSpec(step.plugin, step.action, context.actions)?.outputs ?? null
  return step.type === 'ai_action' && Object.hasOwn(context.agents, step.agent)
    ? (context.agents[step.agent]?.outputs ?? null)
    : null
}

const walkInside = (step: Step, names: Map<string, Standing>, flow: Flow): void => {
  const lists = listsWithin(step)
  if (lists.length === 0) return
  const { gaps, pathOf } = flow.checking
  const around = withOpen(names, mayAlsoSet(step, flow.checking))
  if (gaps.isBroken([...pathOf(step), 'type'])) walkUntyped(step, lists, names, around, flow)
  else if (step.type === 'conditional') {
    const reason = `it is set only in one branch of \`${step.name}\``
    const branches = [walkList(step.then, around, flow), walkList(step.else, around, flow)]
    takeOver(step, names, joined(names, branches, reason), flow)
  } else if (step.type === 'parallel') {
    checkGroupWriters(step, flow.checking)
    const after = new Map(names)
    const hiddenAt = flow.mayRepeat ? () => flow.hidden : hiddenInGroup(step, flow.hidden)
    for (const [place, inner] of step.steps.entries()) {
      const branch = new Map(around)
      walkStep(inner, branch, { ...flow, hidden: hiddenAt(place) })
      addTo(after, branch)
    }
    takeOver(step, names, after, flow)
  } else if (step.type === 'loop') {
    const inside = { ...flow, mayRepeat: flow.mayRepeat || mayBeOneByOne(step, flow) }
    const body = walkList(step.steps, new Map([...around, ...itemOf(step, flow)]), inside)
    const after = new Map(weakened(body, names, `it is set in the loop \`${step.name}\`, which may run no time`))
    for (const own of [step.as, 'loop']) if (!names.has(own)) after.delete(own)
    takeOver(step, names, after, flow)
  }
}

/** An iteration sees those before it, unless several go on at once. */
const mayBeOneByOne = (step: LoopStep, { checking: { gaps, pathOf } }: Flow): boolean =>
  step.maxConcurrency === 1 || !gaps.isClear([...pathOf(step), 'max_concurrency'])

/** What a loop's steps see of it. */
const itemOf = (step: LoopStep, { checking: { gaps, pathOf } }: Flow): [string, Standing][] => {
  const path = [...pathOf(step), 'as']
  const isClear = gaps.isClear(path)
  const any: [string, Standing][] = gaps.isBroken(path) ? [[anyName, open]] : []
  return [[step.as, isClear ? sure : open], ['loop', sure], ...any]
}

/** It holds steps, and how they follow one another is not known. */
const walkUntyped = (
  step: Step,
  lists: readonly Step[][],
  names: Map<string, Standing>,
  around: Names,
  flow: Flow,
): void => {
  const own = withOpen(around, ['loop', 'item', ...(step.type === 'loop' ? [step.as] : [])])
  for (const list of lists) {
    // It may be a loop.
    walkList(list, own, { ...flow, mayRepeat: true })
    addTo(
      names,
      [...allSetWithin(list, flow.checking).keys()].map((name) => [name, open] as const),
    )
  }
}

/** What holds the steps may be left out, or fail and be gone on from: then they have set nothing. */
const takeOver = (step: Step, names: Map<string, Standing>, after: Names, { checking }: Flow): void => {
  const isSettled = strategyIsClear(step, checking) && checking.gaps.isClear([...checking.pathOf(step), 'condition'])
  for (const [name, standing] of after) {
    const before = names.get(name)
    if (before?.sure) continue
    if (standing.sure && standing.isOpen) names.set(name, open)
    else if (!standing.sure) names.set(name, standing)
    else names.set(name, isSettled ? standingAfter(step, before) : open)
  }
}

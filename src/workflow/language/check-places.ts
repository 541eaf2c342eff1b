import { findActionSpec } from '../actions/specs.ts'
import type { Checking } from './checking.ts'
import { strategyIsClear } from './clear-steps.ts'
import type { Step } from './definition.ts'
import { afterLists, everyStep, flatten, listsWithin } from './steps-within.ts'
import type { Shelf } from './used-workflows.ts'

/**
 * What means nothing where it stands. Constructs nest in one another freely, but: after the end of a run nobody waits and
 * nothing is undone; in a parallel group nothing has an order; the work tree is not taken away from those who need it.
 */
export const checkPlaces = (checking: Checking): void => {
  const { definition } = checking
  for (const step of afterLists(definition).flatMap(flatten)) checkAfterEnd(step, checking)
  for (const step of everyStep(definition)) checkHolder(step, checking)
  checkCleanup(definition.steps, false, checking)
  checkRollbacks(checking)
}

const ended = 'in `post_execution`: the run has ended'

const checkAfterEnd = (step: Step, checking: Checking): void => {
  const path = checking.pathOf(step)
  if (checking.gaps.isBroken([...path, 'type'])) return
  if (step.type === 'approval')
    checking.report(path, `An approval cannot stand ${ended}, and nobody is asked any more.`)
  if (step.type === 'wait') checking.report(path, `A \`wait\` cannot stand ${ended}, and nothing waits any more.`)
  if (step.onError === 'rollback' && strategyIsClear(step, checking)) {
    checking.report([...path, 'on_error'], `\`on_error: rollback\` cannot stand ${ended}, and what it has done stays.`)
  }
  if ((step.type === 'plugin' || step.type === 'ai_action') && step.rollback) {
    checking.report([...path, 'rollback'], `A \`rollback\` cannot stand ${ended}, and nothing is undone any more.`)
  }
  if (step.type !== 'workflow' || !checking.context.workflows) return
  const waiting = firstWaiting(step.uses, checking.context.workflows, new Set())
  if (waiting) {
    const message = `The workflow \`${step.uses}\` cannot stand ${ended}, and its step \`${waiting.name}\` would wait.`
    checking.report([...path, 'uses'], message)
  }
}

const firstWaiting = (name: string, shelf: Shelf, seen: Set<string>): Step | null => {
  const used = seen.has(name) ? null : shelf.get(name)
  seen.add(name)
  for (const step of used ? everyStep(used) : []) {
    if (step.type === 'approval' || step.type === 'wait') return step
    const within = step.type === 'workflow' ? firstWaiting(step.uses, shelf, seen) : null
    if (within) return within
  }
  return null
}

const checkHolder = (step: Step, checking: Checking): void => {
  const lists = listsWithin(step)
  const path = checking.pathOf(step)
  if (checking.gaps.isBroken([...path, 'type'])) return
  const isClear = ['then', 'else'].every((key) => checking.gaps.isClear([...path, key]))
  if (step.type === 'conditional' && isClear && lists.every((list) => list.length === 0)) {
    checking.report(path, `The step \`${step.name}\` has nothing in \`then\` or \`else\`.`, 'warning')
  }
  const isEmpty = (step.type === 'parallel' || step.type === 'loop') && step.steps.length === 0
  if (isEmpty && checking.gaps.isClear([...path, 'steps'])) {
    checking.report([...path, 'steps'], `The step \`${step.name}\` has no steps, and does nothing.`, 'warning')
  }
  if (step.type !== 'parallel') return
  for (const inner of step.steps.filter(({ needs }) => needs.length > 0)) {
    const message = `In the parallel group \`${step.name}\` all steps begin together. A list of steps with \`needs\` runs side by side by itself: take them out of the group.`
    checking.report([...checking.pathOf(inner), 'needs'], message)
  }
}

/** `isShared`: something beside this list may need the work tree at the same time, or once more. */
const checkCleanup = (list: readonly Step[], isShared: boolean, checking: Checking): void => {
  const isGraph = list.some(({ needs }) => needs.length > 0)
  const isKnown = (step: Step): boolean => !checking.gaps.isBroken([...checking.pathOf(step), 'type'])
  const last = list.findLastIndex((step) => flatten([step]).some((one) => needsTree(one) && isKnown(one)))
  list.forEach((step, index) => {
    const shared = isShared || isGraph || index < last
    if (step.type === 'system' && step.action === 'cleanup' && shared && isKnown(step)) {
      const message = `\`cleanup\` takes the work tree away from steps that need it. It belongs at the end, or in \`post_execution\`.`
      checking.report([...checking.pathOf(step), 'action'], message)
    }
    const repeats = (step.type === 'loop' || step.type === 'parallel') && isKnown(step)
    for (const inner of listsWithin(step)) checkCleanup(inner, shared || repeats, checking)
  })
}

const needsTree = (step: Step): boolean =>
  ['ai_action', 'run', 'workflow'].includes(step.type) ||
  (step.type === 'plugin' && step.plugin === 'version_control') ||
  (step.type === 'system' && step.action === 'checks')

/** What only reads leaves nothing that could be undone. */
const checkRollbacks = (checking: Checking): void => {
  for (const step of everyStep(checking.definition)) {
    if (step.type !== 'plugin' || !step.rollback) continue
    if (checking.gaps.isBroken([...checking.pathOf(step), 'type'])) continue
    const spec = findActionSpec(step.plugin, step.action, checking.context.actions)
    if (!spec || !isReading.test(step.action)) continue
    const message = `\`${step.plugin}.${step.action}\` only reads: there is nothing to undo.`
    checking.report([...checking.pathOf(step), 'rollback'], message)
  }
}

const isReading = /^(?:get|search|estimate|analyze|generate)_/

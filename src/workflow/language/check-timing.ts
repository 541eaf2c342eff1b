import type { Checking } from './checking.ts'
import { strategyIsClear } from './clear-steps.ts'
import type { Step } from './definition.ts'
import { afterLists, everyStep, listsWithin } from './steps-within.ts'
import { onlyExpression, parseTemplate } from './templates.ts'
import type { Path } from './yaml-source.ts'

/** That waiting, trying again and going round can come to an end, and come to something. */
export const checkTiming = (checking: Checking): void => {
  const { definition } = checking
  for (const step of everyStep(definition)) {
    const path = checking.pathOf(step)
    if (checking.gaps.isBroken([...path, 'type'])) continue
    checkRetry(step, path, checking)
    if (step.type === 'wait') checkWait(step, path, checking)
    if (step.type === 'loop') checkItems(step, path, checking)
    if (step.type === 'approval') checkApproval(step, path, checking)
  }
  const minutes = definition.limits.maxMinutes
  const run: Around | null =
    minutes === null ? null : { name: 'limits.max_minutes', seconds: minutes * 60, parks: true }
  const around = checking.gaps.isClear(['limits']) ? run : 'unclear'
  for (const list of [definition.steps, ...afterLists(definition)]) checkTimeouts(list, around, checking)
}

const checkRetry = (step: Step, path: Path, checking: Checking): void => {
  const raw = rawAt(checking.source.value, path)
  const key = ['retry_count', 'retry'].find((name) => Object.hasOwn(raw, name))
  const saysRetry = Object.hasOwn(raw, 'on_error') && step.onError === 'retry'
  if (step.type === 'approval' && (saysRetry || key !== undefined)) {
    const message = 'An approval is not tried again: a no is a no. Give it a longer `timeout`.'
    checking.reportKey(path, key ?? 'on_error', message)
  } else if (key !== undefined && step.onError !== 'retry') {
    if (!strategyIsClear(step, checking)) return
    checking.reportKey(path, key, `\`${key}\` does nothing without \`on_error: retry\`.`, 'warning')
  } else if (step.retry.initialSeconds > step.retry.maxSeconds && checking.gaps.isClear([...path, 'retry'])) {
    const message = `The first pause of ${step.retry.initialSeconds} seconds is longer than the longest, of ${step.retry.maxSeconds}.`
    checking.report([...path, 'retry'], message)
  }
}

const rawAt = (value: unknown, path: Path): object => {
  const found = path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)?.[key], value)
  return typeof found === 'object' && found !== null ? found : {}
}

const checkWait = (step: Step & { type: 'wait' }, path: Path, checking: Checking): void => {
  const { gaps } = checking
  if (!gaps.isClear([...path, 'event']) || !gaps.isClear([...path, 'seconds'])) return
  if ((step.event === null) === (step.seconds === null)) {
    checking.report(path, 'A `wait` says either `event` or `seconds`.')
  } else if (step.event === 'schedule.due') {
    checking.report([...path, 'event'], 'A schedule starts runs, and never comes to one. Wait for `seconds`.')
  } else if (step.seconds !== null && step.timeoutSeconds !== null && step.timeoutSeconds <= step.seconds) {
    checking.report([...path, 'timeout'], `The \`timeout\` comes before the ${step.seconds} seconds are over.`)
  }
}

const checkItems = (step: Step & { type: 'loop' }, path: Path, checking: Checking): void => {
  const at = [...path, 'for_each']
  const { forEach, maxIterations } = step
  if (!checking.gaps.isClear(at)) return
  if (typeof forEach === 'string' && !onlyExpression(parseTemplate(forEach))) {
    checking.report(
      at,
      '`for_each` is a text here, and a loop goes over a list: write one `${ }` and nothing beside it.',
    )
  } else if (
    Array.isArray(forEach) &&
    forEach.length > maxIterations &&
    checking.gaps.isClear([...path, 'max_iterations'])
  ) {
    checking.report(at, `The list has ${forEach.length} items, and \`max_iterations\` is ${maxIterations}.`)
  }
}

const checkApproval = (step: Step & { type: 'approval' }, path: Path, checking: Checking): void => {
  if (step.shows === null && checking.gaps.isClear([...path, 'shows'])) {
    const message = 'The approval `shows` nothing: people say yes or no without seeing to what.'
    checking.report(path, message, 'warning')
  }
  if (step.approvers.length === 0) {
    checking.report([...path, 'approvers'], 'Nobody may answer. Name somebody, or leave `approvers` out.')
  }
  step.approvers.forEach((who, index) => {
    if (!who.startsWith('role:') || roles.includes(who.slice('role:'.length))) return
    checking.report([...path, 'approvers', index], `There is no role \`${who}\`. There are ${roles.join(', ')}.`)
  })
}

/** The permissions of a repository, as its host counts them. */
const roles: readonly string[] = ['read', 'triage', 'write', 'maintain', 'admin']

/** `parks`: time that is waited without a worker does not count. */
type Around = { name: string; seconds: number; parks: boolean } | 'unclear'

const checkTimeouts = (steps: readonly Step[], around: Around | null, checking: Checking): void => {
  for (const step of steps) {
    const { gaps } = checking
    const path = checking.pathOf(step)
    const isUnclear =
      ['timeout', 'seconds'].some((key) => !gaps.isClear([...path, key])) || gaps.isBroken([...path, 'type'])
    if (isUnclear || around === 'unclear') {
      for (const list of listsWithin(step)) checkTimeouts(list, 'unclear', checking)
      continue
    }
    const own = timeOf(step)
    // The run's own limit counts no time that is waited without a worker, so it ends no wait.
    if (step.type === 'wait' && step.event !== null && own === null && (around === null || around.parks)) {
      const message = 'A `wait` for an event needs a `timeout`, or it may wait for ever.'
      checking.report(checking.pathOf(step), message)
    }
    const counts = around && !(around.parks && (step.type === 'wait' || step.type === 'approval'))
    if (own !== null && counts && own > around.seconds) {
      const key = step.timeoutSeconds === null ? 'seconds' : 'timeout'
      const message = `\`${step.name}\` has ${own} seconds, but \`${around.name}\` around it ends after ${around.seconds}.`
      checking.report([...checking.pathOf(step), key], message, 'warning')
    }
    const holds = step.timeoutSeconds !== null && !(around && around.seconds < step.timeoutSeconds)
    const inner = holds ? { name: step.name, seconds: step.timeoutSeconds!, parks: false } : around
    for (const list of listsWithin(step)) checkTimeouts(list, inner, checking)
  }
}

/** A container's own time, against the limit of the run, is that of what it holds. */
const timeOf = (step: Step): number | null => {
  if (step.type === 'wait' && step.seconds !== null) return step.timeoutSeconds ?? step.seconds
  return step.timeoutSeconds
}

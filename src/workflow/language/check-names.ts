import type { Checking } from './checking.ts'
import { isClosed } from './data.ts'
import type { Step } from './definition.ts'
import { misfitOf } from './literal-types.ts'
import { settersIn } from './names-set-by.ts'
import { everyStep, listsWithin } from './steps-within.ts'
import { parseTemplate } from './templates.ts'
import type { Path } from './yaml-source.ts'

/** That what is named can be reached by its name, and hides nothing that is needed. */
export const checkNames = (checking: Checking): void => {
  const { definition } = checking
  if (isClosed(definition.name)) checking.report(['name'], outOfReach(definition.name))
  for (const name of Object.keys(definition.variables)) checkVariable(name, checking)
  for (const name of Object.keys(definition.inputs)) checkInput(name, checking)
  for (const step of everyStep(definition)) checkOwnNames(step, checking)
  const setters = settersIn(definition.steps)
  for (const step of definition.steps) checkLoops(step, [], new Set(setters.keys()), checking)
}

/** What a run cannot do without: nothing may take these names from it. */
const reserved: readonly string[] = ['run', 'now', 'actor', 'event', 'config', 'steps', 'loop']

/** Words of the language of expressions. */
const words: readonly string[] = ['true', 'false', 'none', 'null', 'and', 'or', 'not', 'in', 'is', 'if', 'else']

const identifier = /^[\p{L}_][\p{L}\p{N}_]*$/u

const outOfReach = (name: string): string => `The name \`${name}\` is out of reach of every expression: take another.`

/** What is wrong with a name that an expression shall read, or null. */
const mistakeOf = (name: string): string | null => {
  if (isClosed(name)) return outOfReach(name)
  if (words.includes(name)) return `\`${name}\` is a word of expressions and cannot be a name.`
  if (reserved.includes(name)) return `\`${name}\` is the system's own name, and would be hidden: take another.`
  if (identifier.test(name)) return null
  const better = name.trim().replace(/[^\p{L}\p{N}_]+/gu, '_')
  const hint = identifier.test(better) ? ` Write \`${better}\`.` : ''
  return `\`${name.slice(0, 80)}\` is no name that an expression can read: letters, digits and underscores.${hint}`
}

const checkVariable = (name: string, checking: Checking): void => {
  const mistake = mistakeOf(name)
  if (mistake) checking.reportKey(['variables'], name, mistake)
  if (!Object.hasOwn(checking.definition.inputs, name)) return
  checking.reportKey(['variables'], name, `\`${name}\` is an input too, which this variable would hide.`)
}

const checkInput = (name: string, checking: Checking): void => {
  const input = checking.definition.inputs[name]!
  const mistake = mistakeOf(name)
  if (mistake) checking.reportKey(['inputs'], name, mistake)
  const at = ['inputs', name, 'default']
  if (holdsExpression(input.default)) {
    checking.report(at, 'A `default` is taken as it stands. Work a value out under `variables`.')
    return
  }
  const misfit = checking.gaps.isClear(['inputs', name, 'type']) ? misfitOf(input.default, input) : null
  if (misfit) checking.report(at, `The \`default\` of \`${name}\` ${misfit}.`)
  if (input.required && input.default !== null) {
    checking.report(at, `\`${name}\` is required, so its \`default\` is never taken.`, 'warning')
  }
}

const holdsExpression = (value: unknown): boolean =>
  typeof value === 'string' && parseTemplate(value).some((part) => part.kind !== 'text')

const checkOwnNames = (step: Step, checking: Checking): void => {
  const path = checking.pathOf(step)
  if (isClosed(step.name)) checking.report([...path, 'name'], outOfReach(step.name))
  for (const [field, target] of Object.entries(step.outputs)) checkTarget(target, [...path, 'outputs', field], checking)
  if (step.type !== 'system' || step.action !== 'set' || checking.gaps.isBroken([...path, 'type'])) return
  for (const name of Object.keys(step.inputs)) {
    const mistake = mistakeOf(name)
    if (mistake) checking.reportKey([...path, 'inputs'], name, mistake)
  }
}

const checkTarget = (target: string, path: Path, checking: Checking): void => {
  const [first = '', ...rest] = target.split('.')
  const closed = rest.find(isClosed)
  const mistake = closed === undefined ? mistakeOf(first) : outOfReach(closed)
  if (mistake) checking.report(path, mistake)
  else if (rest.some((part) => part.trim() === ''))
    checking.report(path, `\`${target}\` has a dot with no name behind it.`)
}

/** `around`: what the loops that this one stands in call their items. */
const checkLoops = (step: Step, around: string[], set: ReadonlySet<string>, checking: Checking): void => {
  const path = checking.pathOf(step)
  const isClear = checking.gaps.isClear([...path, 'as']) && !checking.gaps.isBroken([...path, 'type'])
  if (step.type === 'loop' && isClear) checkAs(step, around, set, checking)
  const names = step.type === 'loop' && isClear ? [...around, step.as] : around
  for (const inner of listsWithin(step).flat()) checkLoops(inner, names, set, checking)
}

const checkAs = (
  step: Step & { type: 'loop' },
  around: string[],
  set: ReadonlySet<string>,
  checking: Checking,
): void => {
  const path = checking.pathOf(step)
  const { definition } = checking
  const say = (message: string, severity: 'error' | 'warning' = 'error') =>
    checking.report([...path, 'as'], message, severity)
  const mistake = mistakeOf(step.as)
  const isDeclared = Object.hasOwn(definition.variables, step.as) || Object.hasOwn(definition.inputs, step.as)
  if (mistake) say(mistake)
  else if (set.has(step.as))
    say(`A step sets \`${step.as}\`, which the loop \`${step.name}\` would hide: give it another \`as\`.`)
  else if (isDeclared || subjects.includes(step.as)) {
    say(`The loop \`${step.name}\` would hide \`${step.as}\`: give it another \`as\`.`)
  } else if (around.includes(step.as)) {
    say(`The loop \`${step.name}\` hides the \`${step.as}\` of the loop around it: give it another \`as\`.`, 'warning')
  }
}

const subjects: readonly string[] = ['task', 'task_id', 'change', 'repository']

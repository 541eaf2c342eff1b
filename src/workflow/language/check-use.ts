import type { Use } from './check-expressions.ts'
import type { Checking } from './checking.ts'
import type { Step } from './definition.ts'
import type { HiddenSteps } from './hidden-steps.ts'
import { membersOf, systemNames } from './known-names.ts'
import { anyName } from './may-set.ts'
import { suggestion } from './nearest.ts'
import { type Names, standingOf } from './standings.ts'

export type Question = {
  checking: Checking
  names: Names
  setters: ReadonlyMap<string, Step>
  usesOfVariable: (name: string) => Use[]
  /** What `result` has, where a compensation is looked at. */
  result: readonly string[] | null
  /** The condition of the step that asks, where it is certain. */
  guard: { condition: string | null } | 'unclear'
  hidden: HiddenSteps
}

export const checkUse = (use: Use, question: Question): void => {
  const { checking, names } = question
  const say = (message: string, severity: 'error' | 'warning' = 'error'): void =>
    checking.reportInside(use.site.path, use.expression, use.at, message, severity)
  const standing = standingOf(use.name, names)
  if (standing?.sure) {
    if (!standing.isOpen) checkMembers(use, question, say)
    return
  }
  if (standing) {
    const { guard } = question
    const isGuarded = standing.guard !== null && (guard === 'unclear' || standing.guard === guard.condition)
    if (!use.optional && !isGuarded) {
      say(
        `\`${use.name}\` may not be set here: ${standing.reason}. Use \`default(...)\`, or set it on every way.`,
        standing.severity,
      )
    }
    return
  }
  if (Object.hasOwn(checking.definition.variables, use.name)) checkVariable(use, question, say)
  else reportUnset(use, question, say)
}

const reportUnset = (use: Use, { checking, names, setters }: Question, say: Say): void => {
  const setter = setters.get(use.name)
  if (use.optional && (setter || setters.has(anyName))) return
  if (setter) {
    say(`\`${use.name}\` is used before the step \`${setter.name}\` sets it.`)
    return
  }
  const known = [...names.keys(), ...Object.keys(checking.definition.variables), ...setters.keys()]
  say(`Nothing sets \`${use.name}\`.${suggestion(use.name, known)}`, use.optional ? 'warning' : 'error')
}

type Say = (message: string, severity?: 'error' | 'warning') => void

const checkMembers = (use: Use, { checking, setters, result, hidden }: Question, say: Say): void => {
  const [member, inner] = use.path
  if (member !== undefined && use.name === 'result' && result !== null) {
    if (!result.includes(member)) say(`The step gives no \`${member}\`.${suggestion(member, result)}`)
    return
  }
  if (member === undefined || setters.has(use.name) || Object.hasOwn(checking.definition.inputs, use.name)) return
  if (use.name === 'steps') {
    const steps = checking.stepNames
    const why = hidden(member)
    if (checking.isNoStep(member)) say(`There is no step \`${member}\`.${suggestion(member, steps)}`)
    else if (why) say(why)
    else if (inner !== undefined && !ofStep.includes(inner)) {
      say(`Of a step there is ${ofStep.join(', ')}, and no \`${inner}\`.${suggestion(inner, ofStep)}`)
    }
    return
  }
  const mayBeHidden = setters.has(anyName) && !systemNames.some((name) => name === use.name)
  const members = Object.hasOwn(membersOf, use.name) && !mayBeHidden ? membersOf[use.name] : undefined
  if (!members || members.includes(member)) return
  say(`\`${use.name}\` has no \`${member}\`.${suggestion(member, members)}`, use.optional ? 'warning' : 'error')
}

/** What `steps.<name>` has. */
const ofStep: readonly string[] = ['status', 'result', 'error', 'attempts', 'cost_usd']

/** Each is evaluated within the one that needs it. */
const longestChain = 50

/** A variable is evaluated where it is first used, so what it needs must be set there. */
const checkVariable = (
  use: Use,
  question: Question,
  say: Say,
  trail: readonly string[] = [],
  done: Set<string> = new Set(),
): void => {
  const { checking } = question
  const ring = trail.indexOf(use.name)
  if (ring !== -1) {
    say(`These variables need each other in a circle: ${[...trail.slice(ring), use.name].join(' -> ')}.`)
    return
  }
  if (trail.length > longestChain) {
    say(`The variable \`${trail[0]}\` needs others through more than ${longestChain} others.`)
    return
  }
  // Each once: variables that name each other twice would double the work with every level.
  if (done.has(use.name)) return
  done.add(use.name)
  for (const needed of question.usesOfVariable(use.name)) {
    const why = needed.name === 'steps' && needed.path[0] !== undefined ? question.hidden(needed.path[0]) : null
    if (why) say(`The variable \`${use.name}\` needs \`steps.${needed.path[0]}\`: ${why}`)
    if (needed.optional) continue
    const isVariable = Object.hasOwn(checking.definition.variables, needed.name)
    if (isVariable && !standingOf(needed.name, question.names))
      checkVariable(needed, question, say, [...trail, use.name], done)
    else checkNeeded(use.name, needed, question, say)
  }
}

const checkNeeded = (variable: string, needed: Use, { names, setters }: Question, say: Say): void => {
  const standing = standingOf(needed.name, names)
  if (standing?.sure) return
  const begin = `The variable \`${variable}\` needs \`${needed.name}\``
  const setter = setters.get(needed.name)
  if (standing) say(`${begin}: ${standing.reason}.`, standing.severity)
  else if (setter) say(`${begin}, which the step \`${setter.name}\` sets only later.`)
  else say(`${begin}, which nothing sets.${suggestion(needed.name, names.keys())}`)
}

import { type Use, usesOf } from './check-expressions.ts'
import type { Checking } from './checking.ts'
import type { Step } from './definition.ts'
import { membersOf } from './known-names.ts'
import { suggestion } from './nearest.ts'
import { variableSites } from './sites.ts'
import type { Names } from './standings.ts'
import { everyStep } from './steps-within.ts'

export type Question = { checking: Checking; names: Names; setters: ReadonlyMap<string, Step>; guard: string | null }

export const checkUse = (use: Use, question: Question): void => {
  const { checking, names } = question
  const say = (message: string, severity: 'error' | 'warning' = 'error'): void =>
    checking.reportInside(use.site.path, use.expression, use.at, message, severity)
  const standing = names.get(use.name)
  if (standing?.sure) {
    checkMembers(use, question, say)
    return
  }
  if (standing) {
    const isGuarded = standing.guard !== null && standing.guard === question.guard
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
  if (setter && use.optional) return
  if (setter) {
    say(`\`${use.name}\` is used before the step \`${setter.name}\` sets it.`)
    return
  }
  const known = [...names.keys(), ...Object.keys(checking.definition.variables), ...setters.keys()]
  say(`Nothing sets \`${use.name}\`.${suggestion(use.name, known)}`, use.optional ? 'warning' : 'error')
}

type Say = (message: string, severity?: 'error' | 'warning') => void

const checkMembers = (use: Use, { checking, setters }: Question, say: Say): void => {
  const [member] = use.path
  if (member === undefined || setters.has(use.name) || Object.hasOwn(checking.definition.inputs, use.name)) return
  if (use.name === 'steps') {
    const steps = everyStep(checking.definition).map((step) => step.name)
    if (!steps.includes(member)) say(`There is no step \`${member}\`.${suggestion(member, steps)}`)
    return
  }
  const members = membersOf[use.name]
  if (!members || members.includes(member)) return
  say(`\`${use.name}\` has no \`${member}\`.${suggestion(member, members)}`, use.optional ? 'warning' : 'error')
}

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
  // Each once: variables that name each other twice would double the work with every level.
  if (done.has(use.name)) return
  done.add(use.name)
  for (const needed of variableSites(checking.definition, use.name).flatMap((site) => usesOf(site, checking))) {
    if (needed.optional) continue
    const isVariable = Object.hasOwn(checking.definition.variables, needed.name)
    if (isVariable && !question.names.has(needed.name)) checkVariable(needed, question, say, [...trail, use.name], done)
    else checkNeeded(use.name, needed, question, say)
  }
}

const checkNeeded = (variable: string, needed: Use, { names, setters }: Question, say: Say): void => {
  const standing = names.get(needed.name)
  if (standing?.sure) return
  const begin = `The variable \`${variable}\` needs \`${needed.name}\``
  const setter = setters.get(needed.name)
  if (standing) say(`${begin}: ${standing.reason}.`, standing.severity)
  else if (setter) say(`${begin}, which the step \`${setter.name}\` sets only later.`)
  else say(`${begin}, which nothing sets.${suggestion(needed.name, names.keys())}`)
}

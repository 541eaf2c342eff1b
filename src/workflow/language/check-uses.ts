import type { Checking } from './checking.ts'
import type { Definition, WorkflowStep } from './definition.ts'
import { systemNames } from './known-names.ts'
import { misfitOf } from './literal-types.ts'
import { resultNames } from './names-set-by.ts'
import { suggestion } from './nearest.ts'
import { longestChain, maxUses, type Shelf, wayBack } from './used-workflows.ts'
import type { Path } from './yaml-source.ts'

/** What a `workflow` step uses is there, does not lead back here, and gets what it asks for. Gives what it gives. */
export const checkUses = (step: WorkflowStep, path: Path, checking: Checking): readonly string[] | null => {
  const shelf = checking.context.workflows
  if (!shelf) return null
  const at = [...path, 'uses']
  const name = checking.gaps.isClear(['name']) ? checking.definition.name : ''
  if (step.uses === name) checking.report(at, `The workflow \`${name}\` uses itself, and would never end.`)
  if (step.uses === name) return null
  const used = shelf.get(step.uses)
  if (used === undefined) {
    const names = [...shelf.keys()].filter((other) => other !== name)
    checking.report(at, `There is no workflow \`${step.uses}\`.${suggestion(step.uses, names)}`)
    return null
  }
  if (used === null) {
    checking.report(at, `The workflow \`${step.uses}\` has mistakes of its own and cannot be used.`)
    return null
  }
  checkChain(used, at, checking, shelf)
  checkGiven(step, used, path, checking)
  return resultNames(used)
}

const checkChain = (used: Definition, at: Path, checking: Checking, shelf: Shelf): void => {
  const name = checking.gaps.isClear(['name']) ? checking.definition.name : ''
  const back = wayBack(used, name, shelf)
  if (back) {
    checking.report(at, `These workflows use each other in a circle: ${[name, ...back].join(' -> ')}.`)
    return
  }
  const chain = [name, ...longestChain(used, shelf)]
  if (chain.length - 1 <= maxUses) return
  checking.report(at, `Workflows use one another ${maxUses} deep at most; this is deeper: ${chain.join(' -> ')}.`)
}

const checkGiven = (step: WorkflowStep, used: Definition, path: Path, checking: Checking): void => {
  const whole = [...path, 'inputs']
  const names = Object.keys(used.inputs)
  for (const [name, value] of Object.entries(step.inputs)) {
    if (!Object.hasOwn(used.inputs, name)) {
      const hint =
        suggestion(name, names) || (names.length === 0 ? ' It takes none.' : ` It takes ${names.join(', ')}.`)
      checking.reportKey(whole, name, `The workflow \`${used.name}\` takes no \`${name}\`.${hint}`)
      continue
    }
    const mistake = misfitOf(value, used.inputs[name]!)
    if (mistake) checking.report([...whole, name], `\`${name}\` of the workflow \`${used.name}\` ${mistake}.`)
  }
  if (!checking.gaps.isClear(whole)) return
  const supplied = [...systemNames, ...checking.subjects] as string[]
  for (const [name, input] of Object.entries(used.inputs)) {
    const isThere = Object.hasOwn(step.inputs, name) || supplied.includes(name)
    if (!input.required || input.default !== null || isThere) continue
    checking.report(whole, `The workflow \`${used.name}\` needs \`${name}\`, which is not given.`)
  }
}

import { type ActionSpec, type ActionSpecs, actionSpecs, findActionSpec } from '../actions/specs.ts'
import type { Call, PluginStep, Step } from './definition.ts'

/**
 * What undoes a finished step: its own `rollback`, or the inverse that its action brings along. The inputs are templates that
 * see the step's `result` beside the variables. null where there is nothing to undo, or nothing that can.
 */
export const compensationOf = (step: Step, specs: ActionSpecs = actionSpecs): Call | null => {
  if (step.type !== 'plugin') return step.type === 'ai_action' ? step.rollback : null
  if (step.rollback) return step.rollback
  const spec = findActionSpec(step.plugin, step.action, specs)
  if (!spec?.inverse) return null
  const { action, inputs } = spec.inverse
  const undoing = findActionSpec(step.plugin, action, specs)
  return { plugin: step.plugin, action, inputs: { ...(undoing ? sameSubject(step, spec, undoing) : {}), ...inputs } }
}

/** Where the step named the repository itself, what undoes it goes to the same one. */
const sameSubject = (step: PluginStep, spec: ActionSpec, undoing: ActionSpec): Record<string, unknown> => {
  const given = Object.entries(step.inputs).map(([name, value]): [string, unknown] => [
    Object.hasOwn(spec.aliases, name) ? (spec.aliases[name] as string) : name,
    value,
  ])
  const shared = given.filter(([name]) => undoing.implied.includes(name) && spec.implied.includes(name))
  return Object.fromEntries(shared)
}

import type { Definition, Problem, Step } from './definition.ts'
import { everyStep } from './steps-within.ts'

/** Whether this version can do an action that the language knows. */
export type Implements = (category: string, action: string) => boolean

/** Actions that are good in the language and that this version lacks: the loader refuses such a definition by these sentences. */
export const unsupportedParts = (definition: Definition, file = '', canDo: Implements = () => true): Problem[] =>
  everyStep(definition).flatMap((step) => actionsOf(step, canDo).map((action) => problem(step, action, file)))

const actionsOf = (step: Step, canDo: Implements): string[] => {
  const own = step.type === 'plugin' && step.onError !== 'continue' ? [step] : []
  const rollback = step.type === 'plugin' || step.type === 'ai_action' ? [step.rollback ?? []].flat() : []
  return [...own, ...rollback]
    .filter((call) => !canDo(call.plugin, call.action))
    .map((call) => `${call.plugin}.${call.action}`)
}

const problem = (step: Step, action: string, file: string): Problem => ({
  file,
  line: step.position.line,
  column: step.position.column,
  path: step.name,
  message: `The step \`${step.name}\` uses \`${action}\`: this version does not run \`${action}\` yet.`,
  severity: 'error',
})

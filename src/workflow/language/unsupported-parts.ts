import type { Definition, Problem, Step } from './definition.ts'
import { everyStep } from './steps-within.ts'

const notRun: ReadonlySet<Step['type']> = new Set(['parallel', 'loop', 'approval', 'wait', 'workflow'])

/** Whether this version can do an action that the language knows. */
export type Implements = (category: string, action: string) => boolean

/** What is good in the language and is not run by this version: the loader refuses such a definition by these sentences. */
export const unsupportedParts = (definition: Definition, file = '', canDo: Implements = () => true): Problem[] =>
  everyStep(definition).flatMap((step) => partsOf(step, canDo).map((part) => problem(step, part, file)))

const partsOf = (step: Step, canDo: Implements): string[] => [
  ...(step.type === 'plugin' && step.onError !== 'continue' && !canDo(step.plugin, step.action)
    ? [`${step.plugin}.${step.action}`]
    : []),
  ...(notRun.has(step.type) ? [step.type] : []),
  ...(step.needs.length > 0 ? ['needs'] : []),
  ...(step.onError === 'rollback' ? ['on_error: rollback'] : []),
]

const problem = (step: Step, part: string, file: string): Problem => ({
  file,
  line: step.position.line,
  column: step.position.column,
  path: step.name,
  message: `The step \`${step.name}\` uses \`${part}\`: this version does not run \`${part}\` yet.`,
  severity: 'error',
})

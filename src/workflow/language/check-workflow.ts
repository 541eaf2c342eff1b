import type { CheckContext } from './check-context.ts'
import { checkNames } from './check-names.ts'
import { checkNeeds } from './check-needs.ts'
import { checkPlaces } from './check-places.ts'
import { checkPrompts } from './check-prompts.ts'
import { checkSecrets } from './check-secrets.ts'
import { checkSteps } from './check-steps.ts'
import { checkTiming } from './check-timing.ts'
import { checkTriggers } from './check-triggers.ts'
import { checkVariables } from './check-variables.ts'
import { beginChecking } from './checking.ts'
import type { Definition, Problem } from './definition.ts'
import { mostProblems } from './parse-steps.ts'
import { parseWorkflow } from './parse-workflow.ts'
import { everyStep } from './steps-within.ts'
import { ceilings } from './workflow-schema.ts'

export type { CheckContext } from './check-context.ts'

/**
 * Everything that can be known to be wrong without running anything: what is wrong with its form, and with its names as far
 * as that can be said before the form is mended. `definition` is null when there is an error; a warning leaves it.
 */
export const checkWorkflow = (
  text: string,
  file: string,
  context: CheckContext,
): { definition: Definition | null; problems: Problem[] } => {
  const parsed = parseWorkflow(text, file)
  const { definition, sketch, problems, gaps } = parsed
  if (sketch === null || problems.length > mostProblems) return { definition: null, problems: inOrder(problems) }
  const checking = beginChecking(sketch, parsed, context)
  const count = everyStep(sketch).length
  if (count > ceilings.steps) {
    const message = `The workflow has ${count} steps; ${ceilings.steps} is the most.`
    if (!gaps.isBroken(['steps'])) checking.report(['steps'], message)
    return { definition: null, problems: inOrder(problems) }
  }
  checkTriggers(checking)
  checkNames(checking)
  checkSteps(checking)
  checkPlaces(checking)
  checkTiming(checking)
  checkNeeds(checking)
  checkVariables(checking)
  checkPrompts(checking)
  checkSecrets(checking)
  const found = inOrder(problems)
  return { definition: found.some(({ severity }) => severity === 'error') ? null : definition, problems: found }
}

/** As they stand in the file; the same thing at the same place is said once. */
const inOrder = (problems: Problem[]): Problem[] => {
  const unique = new Map(problems.map((problem) => [`${problem.line}:${problem.column}:${problem.message}`, problem]))
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}

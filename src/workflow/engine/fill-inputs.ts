import { JourneymanError } from '../../domain/errors.ts'
import { findActionSpec } from '../actions/specs.ts'
import type { Execution } from './execution.ts'

/**
 * Checks the inputs against the action's schema. `task_id`, `repository`, `branch` and `task` are given to an action that
 * requires them and was not told.
 */
export const fillInputs = (
  category: string,
  name: string,
  given: Record<string, unknown>,
  execution: Execution,
): Record<string, unknown> => {
  const spec = findActionSpec(category, name)
  if (!spec) return given
  const parsed = spec.inputs.safeParse({ ...implied(spec.implied, execution), ...given })
  if (parsed.success) return parsed.data as Record<string, unknown>
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'inputs'}: ${issue.message}`)
  throw new JourneymanError('invalid_input', `${category}.${name} cannot take these inputs: ${problems.join('; ')}.`)
}

/** What the run gives to an action beside what it was told, as it is now. */
export const impliedInputs = (category: string, name: string, execution: Execution): Record<string, unknown> =>
  implied(findActionSpec(category, name)?.implied ?? [], execution)

const implied = (names: readonly string[], execution: Execution): Record<string, unknown> => {
  const { variables, run, facts } = execution
  const known: Record<string, () => unknown> = {
    task_id: () => facts.task?.key,
    task: () => facts.task ?? undefined,
    repository: () => run.repository,
    branch: () => variables.get('branch') ?? variables.get('branch_name'),
  }
  const found = names.map((name) => [name, known[name]?.()] as const)
  return Object.fromEntries(found.filter(([, value]) => value !== undefined && value !== null))
}

import { type Branch, branch, within } from '../../domain/address.ts'
import { JourneymanError } from '../../domain/errors.ts'
import type { AiStep, ConditionalStep, PluginStep, RunStep, Step, SystemStep } from '../language/definition.ts'
import { test } from '../language/expressions.ts'
import { runAiStep } from './ai-step.ts'
import { runCommandStep } from './command-step.ts'
import type { StepContext } from './execution.ts'
import { runPluginStep } from './plugin-step.ts'
import { runSystemStep } from './system-step.ts'

export type StepKind<S extends Step> = {
  /** Whether the work tree may be another afterwards: then the step ends with a snapshot of it. */
  touchesWorkspace: (step: S) => boolean
  run: (step: S, context: StepContext) => Promise<unknown>
}

const runConditional = async (step: ConditionalStep, context: StepContext): Promise<unknown> => {
  const taken = takenBefore(context) ?? (test(step.test, context.execution.variables) ? 'then' : 'else')
  await context.runSteps(context.execution, step[taken], branch(context.address, taken))
  return { taken }
}

/** The way that an earlier worker went: what has happened on it since may have changed what was tested. */
const takenBefore = ({ execution, address }: StepContext): Branch | undefined =>
  (['then', 'else'] as const).find((way) =>
    execution.journal.rows().some((row) => row.address.startsWith(within(branch(address, way), ''))),
  )

const always = () => true
const never = () => false

const notYet = {
  touchesWorkspace: never,
  run: async (step: Step): Promise<unknown> => {
    // The loader refuses such a definition; one that was pinned by a later version may still come here.
    throw new JourneymanError('not_supported', `This version does not run steps of type "${step.type}".`)
  },
}

/** One file per construct; this is the list of them. */
export const stepKinds: {
  plugin: StepKind<PluginStep>
  ai_action: StepKind<AiStep>
  run: StepKind<RunStep>
  conditional: StepKind<ConditionalStep>
  system: StepKind<SystemStep>
} & Record<'parallel' | 'loop' | 'approval' | 'wait' | 'workflow', StepKind<Step>> = {
  // The repository's own set-up runs with the clone.
  plugin: { touchesWorkspace: (step) => step.action === 'clone_repository', run: runPluginStep },
  ai_action: { touchesWorkspace: always, run: runAiStep },
  run: { touchesWorkspace: always, run: runCommandStep },
  conditional: { touchesWorkspace: never, run: runConditional },
  system: { touchesWorkspace: always, run: runSystemStep },
  parallel: notYet,
  loop: notYet,
  approval: notYet,
  wait: notYet,
  workflow: notYet,
}

import { branch } from '../../domain/address.ts'
import { JourneymanError } from '../../domain/errors.ts'
import type { AiStep, ConditionalStep, PluginStep, RunStep, Step, SystemStep } from '../language/definition.ts'
import { test } from '../language/expressions.ts'
import { runAiStep } from './ai-step.ts'
import { runCommandStep } from './command-step.ts'
import type { StepContext } from './execution.ts'
import { runPluginStep } from './plugin-step.ts'
import { runSystemStep } from './system-step.ts'

export type StepKind<S extends Step> = {
  touchesWorkspace: boolean
  run: (step: S, context: StepContext) => Promise<unknown>
}

const runConditional = async (step: ConditionalStep, context: StepContext): Promise<unknown> => {
  const taken = test(step.test, context.execution.variables) ? 'then' : 'else'
  await context.runSteps(context.execution, step[taken], branch(context.address, taken))
  return { taken }
}

const notYet = {
  touchesWorkspace: false,
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
  plugin: { touchesWorkspace: false, run: runPluginStep },
  ai_action: { touchesWorkspace: true, run: runAiStep },
  run: { touchesWorkspace: true, run: runCommandStep },
  conditional: { touchesWorkspace: false, run: runConditional },
  system: { touchesWorkspace: true, run: runSystemStep },
  parallel: notYet,
  loop: notYet,
  approval: notYet,
  wait: notYet,
  workflow: notYet,
}

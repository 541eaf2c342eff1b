import type {
  AiStep,
  ApprovalStep,
  ConditionalStep,
  LoopStep,
  ParallelStep,
  PluginStep,
  RunStep,
  Step,
  SystemStep,
  WaitStep,
  WorkflowStep,
} from '../language/definition.ts'
import { runAiStep } from './ai-step.ts'
import { runApprovalStep } from './approval-step.ts'
import { runCommandStep } from './command-step.ts'
import { runConditionalStep } from './conditional-step.ts'
import type { StepContext } from './execution.ts'
import { runLoopStep } from './loop-step.ts'
import { runParallelStep } from './parallel-step.ts'
import { runPluginStep } from './plugin-step.ts'
import { runSystemStep } from './system-step.ts'
import { runWaitStep } from './wait-step.ts'
import { runWorkflowStep } from './workflow-step.ts'

export type StepKind<S extends Step> = {
  /**
   * work tree   it may be another afterwards: one such step at a time, and it ends with a snapshot
   * outside     it may have written something outside
   * nothing     it only computes: begun and done in one write
   * inner       it holds other steps, and does nothing itself
   * waiting     it waits without a worker, and looks after its own time
   */
  touches: (step: S) => 'work tree' | 'outside' | 'nothing' | 'inner' | 'waiting'
  run: (step: S, context: StepContext) => Promise<unknown>
}

const always =
  <Touched extends string>(what: Touched) =>
  () =>
    what

const ofSystem: Record<string, 'work tree' | 'outside' | 'nothing'> = {
  set: 'nothing',
  log: 'nothing',
  metric: 'nothing',
  log_success: 'nothing',
  send_alert: 'nothing',
}

/** One file per construct; this is the list of them. */
export const stepKinds: {
  plugin: StepKind<PluginStep>
  ai_action: StepKind<AiStep>
  run: StepKind<RunStep>
  conditional: StepKind<ConditionalStep>
  parallel: StepKind<ParallelStep>
  loop: StepKind<LoopStep>
  approval: StepKind<ApprovalStep>
  wait: StepKind<WaitStep>
  workflow: StepKind<WorkflowStep>
  system: StepKind<SystemStep>
} = {
  plugin: {
    // The repository's own set-up runs with the clone; a commit and a pull request look at the tree as it stands.
    touches: (step) => (treeActions.has(step.action) ? 'work tree' : 'outside'),
    run: runPluginStep,
  },
  ai_action: { touches: always('work tree'), run: runAiStep },
  run: { touches: always('work tree'), run: runCommandStep },
  conditional: { touches: always('inner'), run: runConditionalStep },
  parallel: { touches: always('inner'), run: runParallelStep },
  loop: { touches: always('inner'), run: runLoopStep },
  approval: { touches: always('waiting'), run: runApprovalStep },
  wait: { touches: always('waiting'), run: runWaitStep },
  workflow: { touches: always('inner'), run: runWorkflowStep },
  system: { touches: (step) => ofSystem[step.action] ?? 'work tree', run: runSystemStep },
}

const treeActions: ReadonlySet<string> = new Set([
  'clone_repository',
  'commit_changes',
  'push_branch',
  'create_pull_request',
])

export const touchesOf = (step: Step): ReturnType<StepKind<Step>['touches']> =>
  (stepKinds[step.type] as StepKind<Step>).touches(step)

export const runKind = (step: Step, context: StepContext): Promise<unknown> => {
  const run = () => (stepKinds[step.type] as StepKind<Step>).run(step, context)
  const { replayed } = context.execution
  return replayed ? replayed(step, context, run) : run()
}

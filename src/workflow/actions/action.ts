import type { StepContext } from '../engine/execution.ts'

/** Where an action is called from: one attempt of one step, or of its compensation. */
export type ActionContext = Pick<StepContext, 'execution' | 'address' | 'attempt' | 'signal'>

/** Does one action with inputs that its schema has accepted; gives its outputs by name. */
export type Action = (inputs: Record<string, unknown>, context: ActionContext) => Promise<Record<string, unknown>>

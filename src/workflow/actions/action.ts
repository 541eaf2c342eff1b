import type { StepContext } from '../engine/execution.ts'

/** Does one action with inputs that its schema has accepted; gives its outputs by name. */
export type Action = (inputs: Record<string, unknown>, context: StepContext) => Promise<Record<string, unknown>>

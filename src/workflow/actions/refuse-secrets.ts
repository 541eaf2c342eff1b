import { JourneymanError } from '../../domain/errors.ts'
import type { Execution } from '../engine/execution.ts'

/** Fails closed: a text with a secret in it does not leave. */
export const refuseSecrets = (execution: Execution, texts: Record<string, string>): void => {
  for (const [name, text] of Object.entries(texts)) {
    const found = execution.parts.evidence.findSecrets(text)
    if (found.length === 0) continue
    throw new JourneymanError('gate_refused', `The ${name} may not leave: it holds ${found.slice(0, 3).join(', ')}.`, {
      nextAction: 'See in the run how it came there, then label the issue again.',
    })
  }
}

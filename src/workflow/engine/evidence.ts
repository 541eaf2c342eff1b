import type { CheckResult, Implementation } from '../../domain/agent.ts'
import type { Journal } from './journal.ts'

/** What the journal holds as evidence: recorded output of finished steps, never the model's word. */
export const recordedChecks = (journal: Journal): CheckResult[] =>
  journal
    .rows()
    .filter((row) => row.state === 'done' && row.kind === 'system')
    .flatMap((row) => (row.result as { checks?: unknown } | null)?.checks ?? [])
    .filter(isCheckResult)

/** What the last agent that wrote code has handed in. */
export const recordedImplementation = (
  journal: Journal,
): { implementation: Implementation; models: string[] } | null => {
  const finished = journal.rows().filter((one) => one.state === 'done' && one.kind === 'ai_action')
  const row = finished.sort((a, b) => (a.finishOrder ?? 0) - (b.finishOrder ?? 0)).at(-1)
  const result = row?.result as { implementation?: Implementation; models?: string[] } | undefined
  return result?.implementation ? { implementation: result.implementation, models: result.models ?? [] } : null
}

const isCheckResult = (value: unknown): value is CheckResult =>
  typeof value === 'object' && value !== null && 'command' in value && 'when' in value && 'exitCode' in value

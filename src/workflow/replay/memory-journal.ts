import type { StepRow } from '../../store/steps.ts'
import type { Journal } from '../engine/journal.ts'
import { blankRow } from '../engine/journal.ts'
import type { Variables } from '../engine/variables.ts'

/** A journal that is kept nowhere: for a run that is gone through again without doing anything. */
export const createMemoryJournal = (runId: string): Journal => {
  const rows = new Map<string, StepRow>()
  const put = (address: string, step: { name: string; kind: string }, change: Partial<StepRow>): StepRow => {
    const row = { ...(rows.get(address) ?? blankRow(runId, address, step, rows.size + 1)), ...change }
    rows.set(address, row)
    return row
  }
  const change = (address: string, changed: Partial<StepRow>): void => {
    const row = rows.get(address)
    if (row) rows.set(address, { ...row, ...changed })
  }
  // What was worked out until then is kept as well as the row is.
  const end = (variables: Variables | null): void => variables?.evaluated().kept()
  return {
    get: (address) => rows.get(address),
    rows: () => [...rows.values()],
    begin: async (address, step, { variables = null }) => {
      end(variables)
      return put(address, step, { state: 'running', attempts: 1 }).attempts
    },
    attemptSeconds: () => 0,
    retryInSeconds: () => null,
    done: async (address, { result, inputs }, variables) => {
      end(variables)
      change(address, { state: 'done', result, inputs })
    },
    record: async (address, step, { result, inputs }, variables) => {
      end(variables)
      put(address, step, { state: 'done', result, inputs })
    },
    failed: async (address, failure, _retry, variables) => {
      end(variables)
      change(address, { state: 'failed', failure, retryInSeconds: null })
    },
    skipped: async (address, step, { reason }, variables) => {
      end(variables)
      put(address, step, { state: 'skipped', reason })
    },
    remember: async (address, memo, variables) => {
      end(variables ?? null)
      change(address, { memo: { ...rows.get(address)?.memo, ...memo } })
    },
    settled: async () => undefined,
    reopen: async () => undefined,
    activity: () => undefined,
  }
}

import type { StepRow } from '../../store/steps.ts'
import type { Journal } from '../engine/journal.ts'
import { blankRow } from '../engine/journal.ts'
import type { Variables } from '../engine/variables.ts'

/**
 * A journal that is kept nowhere: for a run that is gone through again without doing anything. How often a step was tried, and
 * what it has cost, is as it was `before`.
 */
export const createMemoryJournal = (runId: string, before: ReadonlyMap<string, StepRow>): Journal => {
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
  const spent = (address: string): Pick<StepRow, 'attempts' | 'cost'> => {
    const known = before.get(address)
    return { attempts: known?.attempts ?? 1, cost: known?.cost ?? 0 }
  }
  // What was worked out until then is kept as well as the row is.
  const end = (variables: Variables | null): void => variables?.evaluated().kept()
  return {
    get: (address) => rows.get(address),
    rows: () => [...rows.values()],
    // It goes through everything once.
    isAhead: () => false,
    meet: () => undefined,
    begin: async (address, step, { variables = null }) => {
      end(variables)
      return put(address, step, { state: 'running', attempts: spent(address).attempts }).attempts
    },
    attemptSeconds: () => 0,
    retryInSeconds: () => null,
    done: async (address, { result, inputs }, variables) => {
      end(variables)
      change(address, { state: 'done', result, inputs, ...spent(address) })
    },
    record: async (address, step, { result, inputs }, variables) => {
      end(variables)
      put(address, step, { state: 'done', result, inputs, ...spent(address) })
    },
    failed: async (address, failure, _retry, variables) => {
      end(variables)
      change(address, { state: 'failed', failure, retryInSeconds: null, ...spent(address) })
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

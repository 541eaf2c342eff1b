import { describe, expect, it } from 'vitest'
import { compareOutcome } from './compare-outcome.ts'
import { expectSchema } from './fixture-schema.ts'
import type { Outcome } from './outcome.ts'

const outcome = (more: Partial<Outcome>): Outcome => ({
  runId: 'run_1',
  state: 'done',
  failure: null,
  steps: [],
  variables: {},
  effects: [],
  pull: null,
  issue: { number: 1, labels: [] } as unknown as Outcome['issue'],
  comments: [],
  branches: ['main'],
  costUsd: 0,
  waited: 0,
  ...more,
})
const failed = outcome({ state: 'failed', failure: { code: 'timeout', message: 'Too late.' } })
const neverBegun = outcome({
  runId: null,
  state: 'not_started',
  failure: { code: 'invalid_input', message: 'No workflow is started by issue.labeled.' },
})
const keys = (expected: unknown, actual: Outcome): string[] =>
  compareOutcome(expectSchema.parse(expected), actual).map(({ key }) => key)

describe('what is expected of the end', () => {
  it('is a failure where one is expected, whatever is said of it', () => {
    expect(keys({ failure: {} }, failed)).toEqual([])
    expect(keys({ failure: {} }, outcome({}))).toEqual(['state'])
    expect(keys({ failure: 'timeout' }, failed)).toEqual([])
    expect(keys({ failure: { message: 'late' } }, outcome({}))).toEqual(['state', 'failure.message'])
  })

  it('is never a run that was not started, unless that is what is expected', () => {
    expect(keys({ failure: 'invalid_input' }, neverBegun)).toEqual(['state'])
    expect(keys({ state: 'not_started', failure: 'invalid_input' }, neverBegun)).toEqual([])
    expect(keys({}, neverBegun)).toEqual(['state'])
  })
})

import { describe, expect, it } from 'vitest'
import type { RunView } from '../operate/show-run.ts'
import type { StepNode } from '../operate/step-tree.ts'
import { drawRunList } from './run-list-screen.ts'
import { drawRun } from './run-screen.ts'
import { oneLine, plainText, thatFit } from './screen.ts'

const plain = { columns: 80, style: (_: unknown, text: string) => text }
const now = '2026-11-20T12:02:10.000Z'
const ago = (seconds: number) => new Date(Date.parse(now) - seconds * 1000).toISOString()

const step = (label: string, state: StepNode['state'], more: Partial<StepNode> = {}): StepNode => ({
  address: label,
  label,
  kind: 'plugin',
  state,
  attempts: 1,
  costUsd: 0,
  startedAt: state === 'pending' ? null : ago(100),
  finishedAt: state === 'done' ? ago(86) : null,
  note: null,
  retryInSeconds: null,
  failedAttempts: [],
  steps: [],
  ...more,
})

const viewOf = (more: Partial<RunView> = {}, run: Partial<RunView['run']> = {}): RunView => ({
  now,
  run: {
    id: 'run_01',
    workflow: 'standard',
    state: 'running',
    repository: 'acme/shop',
    subject: 'issue/12',
    by: 'operator:alice',
    createdAt: ago(140),
    startedAt: ago(130),
    finishedAt: null,
    costUsd: 0.31,
    costCapUsd: 5,
    now: null,
    change: null,
    event: 'api.requested',
    inputs: { times: '3' },
    stopRequestedBy: null,
    wakeAt: null,
    failure: null,
    links: {},
    ...run,
  },
  steps: [],
  approvals: [],
  breakers: [],
  ...more,
})

describe('one run', () => {
  it('shows what is done, what is under way and what is to come, with times and money', () => {
    const inner = step('fix', 'running', { costUsd: 0.27, attempts: 2, note: 'editing src/a.ts' })
    const steps = [
      step('Plan', 'done', { costUsd: 0.04 }),
      step('Each task', 'running', { steps: [inner] }),
      step('Open', 'pending'),
    ]
    expect(drawRun(viewOf({ steps }), plain as never)).toEqual([
      'standard run_01',
      'running · 2m 10s · $0.31 of $5.00 · acme/shop issue/12',
      'asked for by operator:alice (api.requested) with times=3',
      '',
      '  ✓ Plan · 14s · $0.04',
      '  ▸ Each task · 1m 40s',
      '    ▸ fix · 1m 40s · $0.27 · attempt 2 · editing src/a.ts',
      '  ○ Open',
    ])
  })

  it('shows under a step how its last tries have failed', () => {
    const tries = [1, 2, 3, 4].map((attempt) => {
      const message = `no answer\nin time, try ${attempt} of what took so very long that it does not fit`
      return { attempt, code: 'timeout', message, begunAt: ago(90), at: ago(80), finished: 0 }
    })
    const steps = [step('Build', 'running', { attempts: 5, failedAttempts: tries })]
    expect(drawRun(viewOf({ steps }), plain as never).slice(4)).toEqual([
      '  ▸ Build · 1m 40s · attempt 5',
      '    attempt 2 failed · timeout: no answer in time, try 2 of what took so very …',
      '    attempt 3 failed · timeout: no answer in time, try 3 of what took so very …',
      '    attempt 4 failed · timeout: no answer in time, try 4 of what took so very …',
    ])
  })

  it('shows what is asked in full, and how to answer it, as a shell takes it', () => {
    const approval = {
      address: 'each[0]/plan',
      shownHash: 'x',
      shown: { title: 'a plan' },
      approvers: ['role:write'],
      asked: 2,
      onTimeout: 'reject' as const,
      requestedAt: now,
      expiresAt: now,
    }
    const drawn = drawRun(viewOf({ approvals: [approval] }, { state: 'parked' }), { ...plain, columns: 120 } as never)
    expect(drawn.slice(-6)).toEqual([
      'each[0]/plan waits for approval by role:write, until 2026-11-20 12:02 UTC, for the 2. time:',
      '  │ {',
      '  │   "title": "a plan"',
      '  │ }',
      "  journeyman approve run_01 --step 'each[0]/plan'",
      '  journeyman reject run_01 --step \'each[0]/plan\' "why"',
    ])
  })

  it('says how it failed and what can be done, and which services are not called', () => {
    const failure = { code: 'unavailable' as const, message: 'GitHub is away.', nextAction: 'Try again later.' }
    const breaker = {
      service: 'github',
      state: 'open' as const,
      failures: 5,
      openedAt: now,
      retryAt: now,
      lastFailure: 'cut',
    }
    const drawn = drawRun(
      viewOf({ breakers: [breaker] }, { state: 'failed', failure, finishedAt: now }),
      plain as never,
    )
    expect(drawn.slice(-4)).toEqual([
      'GitHub is away.',
      'Try again later.',
      '',
      '! github is not called until 12:02:10 UTC, after 5 failures: cut',
    ])
  })
})

describe('the table of runs', () => {
  const { run } = viewOf({}, { now: 'waits for approval', state: 'parked' })
  it.each([140, 100, 80, 60, 40])('keeps within %d columns, the run and its state first', (columns) => {
    const drawn = drawRunList({ now, runs: [run, { ...run, id: 'run_02' }], breakers: [] }, {
      ...plain,
      columns,
    } as never)
    for (const line of drawn) expect(line.length).toBeLessThanOrEqual(columns)
    expect(drawn[0]).toMatch(/^run +state/)
    expect(drawn.join('\n')).toMatch(/run_02 +parked/)
    expect(drawn.join('\n')).toContain('waits for approval')
  })
})

describe('text of strangers', () => {
  it.each([
    ['\u001b[2J\u001b[Hall is well', 'all is well'],
    ['\u001b]0;title\u0007after', 'after'],
    ['\u009b31mred', 'red'],
    ['a\u202ecod.exe', 'acod.exe'],
    ['one\rtwo\u0008', 'onetwo'],
  ])('is told without what a terminal would obey: %j', (text, told) => expect(plainText(text)).toBe(told))

  it('is cut to a line of whole letters', () => {
    expect(oneLine('a\n  b\tc', 80)).toBe('a b c')
    expect(oneLine('👩👩👩', 2)).toBe('👩…')
  })
})

it('draws again only what fits, counting the rows that long lines take', () => {
  expect(thatFit(['a', 'b'], 10, 5)).toEqual({ lines: ['a', 'b'], rows: 2 })
  expect(thatFit(['first', 'x'.repeat(25), '\u001b[31mlast\u001b[39m'], 10, 4)).toEqual({
    lines: ['x'.repeat(25), '\u001b[31mlast\u001b[39m'],
    rows: 4,
  })
})

import type { PlanStep } from '../domain/plan.ts'
import type { Run } from '../domain/run.ts'
import type { Approval } from '../store/approvals.ts'
import { renderProgress } from './progress-comment.ts'
import type { ProgressFacts, ShownStep } from './progress-facts.ts'

/** Rows as a run leaves them, for the tests of what is drawn from them. All times are of 2026-11-20, after ten. */
export const at = (time: string): Date => new Date(`2026-11-20T10:${time}Z`)

export const runIn = (state: Run['state'], columns: Partial<Run> = {}): Run => ({
  id: 'run_01',
  workflow: 'standard_dev_workflow',
  definitionHash: 'h',
  repository: 'acme/shop',
  installation: null,
  subject: 'issue/12',
  actor: { login: 'alice', id: '1', isBot: false },
  event: { name: 'issue.labeled', fields: { label: 'ai' } } as unknown as Run['event'],
  state,
  epoch: 1,
  claims: 1,
  stopRequestedBy: null,
  wakeAt: null,
  failure: null,
  baseSha: null,
  links: {},
  costCap: 5_000_000,
  tokenCap: 1,
  createdAt: at('00:00'),
  startedAt: at('00:00'),
  finishedAt: null,
  ...columns,
})

export const change = { number: 7, url: 'https://code.test/7', title: 'T', branch: 'b', headSha: 'c', files: 1 }

export const step = (address: string, state: ShownStep['state'], columns: Partial<ShownStep> = {}): ShownStep => ({
  address,
  name: address.split('/').at(-1) ?? address,
  kind: 'plugin',
  state,
  attempts: 1,
  failure: null,
  reason: null,
  activity: null,
  cost: 0,
  startedAt: at('00:00'),
  finishedAt: state === 'running' ? null : at('00:14'),
  retryInSeconds: null,
  memo: null,
  ...columns,
})

export const planned = (name: string, description: string, columns: Partial<PlanStep> = {}): PlanStep => ({
  name,
  description,
  kind: 'plugin',
  event: null,
  branch: null,
  steps: [],
  ...columns,
})

export const approvalOf = (columns: Partial<Approval> = {}): Approval => ({
  runId: 'run_01',
  address: 'plan_approval',
  shownHash: '3f2a9c1b77d0',
  shown: 'Do it.',
  approvers: ['role:write'],
  state: 'waiting',
  onTimeout: 'reject',
  decidedBy: null,
  comment: null,
  asked: 1,
  requestedAt: at('01:00'),
  expiresAt: new Date('2026-11-21T10:01:00Z'),
  decidedAt: null,
  secondsLeft: 86_000,
  ...columns,
})

export const draw = (facts: Partial<ProgressFacts>): string =>
  renderProgress({
    run: runIn('running'),
    steps: [],
    approvals: [],
    plan: [],
    cost: 420_000,
    runUrl: null,
    sandbox: { usable: true, kind: 'bubblewrap' },
    now: at('02:10'),
    ...facts,
  })

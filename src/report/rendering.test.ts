import { describe, expect, it } from 'vitest'
import type { Run, StepRecord } from '../domain/run.ts'
import { disarm, fenced, inlineCode } from './disarm.ts'
import { renderProgress } from './progress-comment.ts'
import { type PullRequestFacts, renderPullRequestBody } from './pull-request-body.ts'
import { stateLabels } from './state-labels.ts'

const change = { number: 7, url: 'https://code.test/7', title: 'T', branch: 'b', headSha: 'c', files: 1 }
const runIn = (state: Run['state'], columns: Partial<Run> = {}): Run => ({
  id: 'run_1',
  workflow: 'w',
  definitionHash: 'h',
  repository: 'acme/shop',
  installation: null,
  subject: 'issue/12',
  actor: { login: 'alice', id: '1', isBot: false },
  event: {} as Run['event'],
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
  createdAt: new Date('2026-11-20T10:00:00Z'),
  startedAt: new Date('2026-11-20T10:00:00Z'),
  finishedAt: null,
  ...columns,
})

describe('words of others', () => {
  it.each([
    ['a mention', 'hello @octocat', /@octocat/],
    ['a mention behind a back tick that is never closed', '`@octocat', /@octocat/],
    ['a team', '(@acme/core)', /@acme/],
    ['a command to us', '/ai run', /^\/ai/m],
    ['a command to us, further in', 'x\n  /ai stop', /^\s*\/ai/m],
    ['a hidden comment', '<!-- secret -->', /<!/],
    ['a processing instruction', '<?hidden?>', /<\?/],
    ['markup', '<img src="https://evil.test/x">', /<img/i],
    ['an image', '![x](https://evil.test/?code)', /!\[/],
    ['a hidden reference', '[//]: # (hidden words)', /^\[/m],
    ['a hidden reference in a quotation', '> [a]: https://evil.test "hidden"', /^> \[/m],
    ['a closing word', 'fixes #12', /fixes\s+#12/],
    ['a closing word with a colon', 'Closes: #12', /closes:/i],
    ['a closing word for another place', 'resolved other/place#3', /resolved\s+other/],
    ['a closing address', 'close https://github.com/a/b/issues/3', /close\s+https/],
  ])('%s is disarmed', (_name, text, armed) => {
    expect(text).toMatch(armed)
    expect(disarm(text)).not.toMatch(armed)
  })

  it('stay readable', () => {
    const text = 'We mean `a < b`, mail a@b.test, see #12 and [a page](https://docs.test/x). It fixes the login!'
    expect(disarm(text)).toBe(text)
  })

  it('cannot end the code that they stand in', () => {
    expect(inlineCode('a`b\nc')).toBe("`a'b c`")
    expect(fenced('```\n````')).toBe('`````\n```\n````\n`````')
  })
})

describe('the progress comment', () => {
  const plan = [
    { name: 'read', description: 'Read the ticket' },
    { name: 'write', description: 'Write the code' },
    { name: 'open', description: 'Open the pull request' },
  ]
  const step = (name: string, state: StepRecord['state'], columns: Partial<StepRecord> = {}): StepRecord => ({
    runId: 'run_1',
    address: name,
    name,
    kind: 'run',
    ordinal: 1,
    state,
    attempts: 1,
    result: null,
    failure: null,
    reason: null,
    activity: null,
    cost: 0,
    startedAt: new Date('2026-11-20T10:00:00Z'),
    finishedAt: state === 'running' ? null : new Date('2026-11-20T10:00:14Z'),
    ...columns,
  })
  const draw = (run: Run, steps: StepRecord[] = [], sandbox = { usable: true, kind: 'bubblewrap' }) =>
    renderProgress({ run, steps, plan, cost: 420_000, runUrl: null, sandbox, now: new Date('2026-11-20T10:02:10Z') })

  it('shows what is done, what is under way and what is to come', () => {
    const text = draw(runIn('running'), [
      step('read', 'done'),
      step('write', 'running', { activity: 'editing `a.ts`', attempts: 2, cost: 420_000 }),
    ])
    expect(text).toContain('**Working on it** · 1 of 3 steps · 2m 10s · $0.42 of $5.00')
    expect(text).toContain('- [x] Read the ticket · 14s')
    expect(text).toContain('- [ ] **Write the code** · 2m 10s · $0.42 · attempt 2 · editing `a.ts`')
    expect(text).toContain('- [ ] Open the pull request')
    expect(text).toContain('`/ai stop`')
    expect(text.split('\n').at(-1)).toBe('<!-- journeyman:progress:run_1 -->')
  })

  it.each<[string, Run, RegExp]>([
    ['before the beginning', runIn('queued', { startedAt: null }), /^\*\*Starting\*\*/],
    [
      'while it waits',
      runIn('parked', { wakeAt: new Date('2026-11-20T11:30:00Z') }),
      /^\*\*Waiting until 11:30 UTC\*\*/,
    ],
    ['while it is being stopped', runIn('running', { stopRequestedBy: 'bob' }), /^\*\*Stopping\*\*/],
    ['stopped', runIn('stopped', { stopRequestedBy: 'bob' }), /^\*\*Stopped by bob\*\*/],
    ['done', runIn('done', { links: { change } }), /^\*\*Done: #7 is ready for review\*\*/],
    ['failed', runIn('failed'), /^\*\*Failed\*\*/],
  ])('says where the run stands: %s', (_name, run, title) => {
    expect(draw(run)).toMatch(title)
  })

  it('says why it failed and what to do, in words that do nothing', () => {
    const failure = { code: 'timeout' as const, message: 'Ask @octocat\n<!-- x -->', nextAction: '/ai run' }
    const text = draw(runIn('failed', { failure, links: { change } }))
    expect(text).toContain('> Ask @\u200boctocat\n> &lt;!-- x -->')
    expect(text).toContain('**What you can do:** \u200b/ai run')
    expect(text).toContain('Pull request: #7')
  })

  it('does not tell the world what a defect says', () => {
    const text = draw(runIn('failed', { failure: { code: 'internal', message: 'connect 10.0.0.7:5432 as admin' } }))
    expect(text).not.toContain('10.0.0.7')
    expect(text).toContain('A defect of Journeyman')
  })

  it('says when there is no sandbox', () => {
    expect(draw(runIn('running'), [], { usable: true, kind: 'none' })).toContain('without a sandbox')
    expect(draw(runIn('running'), [], { usable: false, kind: 'bubblewrap' })).toContain('checks are not run')
  })

  it('has the labels of its state', () => {
    expect(stateLabels(runIn('running'))).toEqual({ add: ['ai:working'], remove: ['ai', 'ai:review', 'ai:failed'] })
    expect(stateLabels(runIn('done', { links: { change } })).add).toEqual(['ai:review'])
    expect(stateLabels(runIn('done')).add).toEqual([])
    expect(stateLabels(runIn('stopped')).add).toEqual(['ai:failed'])
    expect(stateLabels(runIn('refused')).add).toEqual([])
  })
})

describe('the body of a pull request', () => {
  const facts: PullRequestFacts = {
    run: runIn('running'),
    task: { key: '12', title: 'Login @all', reporter: 'mallory' } as PullRequestFacts['task'],
    description: 'It works.\n\n![tracked](https://evil.test/?repository)\nCloses #1',
    implementation: {
      summary: '',
      pr_title: '',
      pr_description: '',
      commit_message: '',
      files: [{ path: 'a.ts', status: 'modified', additions: 1, deletions: 0, note: '| @octocat' }],
      tests: [],
      breaking_changes: ['<img src=x>'],
      not_done: [],
      criteria: [{ criterion: 'One | two\nthree \\| four', evidence: 'see `a.ts`' }],
      checks: [],
    },
    files: [{ path: 'a`b|c.ts', status: 'added', additions: 3, deletions: 0, mode: '120000' }],
    flagged: [],
    checks: [
      {
        name: 't',
        command: 'npm test',
        when: 'before',
        exitCode: 1,
        timedOut: false,
        durationMs: 2_000,
        outputTail: '',
      },
      {
        name: 't',
        command: 'npm test',
        when: 'after',
        exitCode: 0,
        timedOut: false,
        durationMs: 3_000,
        outputTail: '',
      },
      {
        name: 'l',
        command: 'npm run lint',
        when: 'after',
        exitCode: 2,
        timedOut: false,
        durationMs: 1_000,
        outputTail: '```\n</details> @octocat',
      },
    ],
    models: ['scripted'],
    cost: 100_000,
    runUrl: null,
    sandbox: { usable: true, kind: 'bubblewrap', summary: '' },
  }

  it('closes the ticket that it is about and no other', () => {
    const body = renderPullRequestBody(facts)
    expect(body).toMatch(/^Closes #12: Login @\u200ball/)
    expect(body.match(/closes\s+#\d+/gi)).toEqual(['Closes #12'])
    expect(body).not.toMatch(/!\[|<img|@octocat(?![^`]*`{3})/)
  })

  it('shows what was run and what came out, each in its cell', () => {
    const body = renderPullRequestBody(facts)
    expect(body).toContain('| `npm test` | ❌ exit 1 · 2s | ✅ exit 0 · 3s |')
    expect(body).toContain('| `npm run lint` | – | ❌ exit 2 · 1s |')
    expect(body).toContain('| One &#124; two three \\&#124; four | see `a.ts` |')
    expect(body).toContain('````\n```\n</details> @octocat\n````')
    expect(body).toContain('symbolic link')
  })

  it('says that nothing was run, and why, where nothing was', () => {
    const without = {
      ...facts,
      checks: [],
      sandbox: { usable: false, kind: 'bubblewrap', summary: 'No user namespaces' },
    }
    expect(renderPullRequestBody(without)).toContain('Checks were not run: No user namespaces.')
  })

  it('keeps what is recorded out of the code that the agent has left open', () => {
    const body = renderPullRequestBody({ ...facts, description: 'See:\n```ts\nconst a = 1' })
    expect(body).toContain('const a = 1\n```\n\n### Files')
  })

  it('says who asked, what was read, and that a human merges, also when it is long', () => {
    const body = renderPullRequestBody({ ...facts, description: 'long 😀 '.repeat(20_000) })
    expect(body.length).toBeLessThan(65_536)
    expect(body.isWellFormed()).toBe(true)
    expect(body).toContain('asked for by alice')
    expect(body).toContain('by mallory')
    expect(body).toContain('A human merges.')
  })
})

import { describe, expect, it } from 'vitest'
import type { Run } from '../domain/run.ts'
import { renderCheckRun } from './check-run.ts'
import { disarm } from './disarm.ts'
import { approvalOf, at, change, draw, planned, runIn, step } from './progress.fixture.ts'
import { stateLabels } from './state-labels.ts'

const plan = [
  planned('read', 'Read the ticket'),
  planned('make_plan', 'Plan', { kind: 'ai_action' }),
  planned('plan_approval', 'Agree on the plan', { kind: 'approval' }),
  planned('tell', 'Tell everyone', {
    kind: 'parallel',
    steps: [
      planned('chat', 'Tell the team'),
      planned('page', 'Write the page', { kind: 'ai_action' }),
      planned('note', 'Note it'),
    ],
  }),
  planned('each_task', 'Do each task', {
    kind: 'loop',
    steps: [planned('generate', 'Write the code', { kind: 'ai_action' }), planned('commit', 'Commit')],
  }),
  planned('choose', 'Look at the verdict', {
    kind: 'conditional',
    steps: [planned('fix', 'Mend it', { branch: 'then' }), planned('thank', 'Say thanks', { branch: 'else' })],
  }),
  planned('wait_for_ci', 'Wait for the checks', { kind: 'wait', event: 'checks.completed' }),
]
const items = ['Login', 'Logout', { title: 'Reset @octocat' }, 'Four', 'Five', 'Six', 'Seven']

describe('the progress comment', () => {
  it('shows what is done, what is under way and what is to come, two levels deep', () => {
    const text = draw({
      plan,
      runUrl: 'https://j.test/run_01',
      steps: [
        step('read', 'done', { finishedAt: at('00:01') }),
        step('make_plan', 'done', { cost: 40_000 }),
        step('plan_approval', 'skipped', {
          reason: 'The condition is false: the change is small, and nobody has to agree.',
        }),
        step('tell', 'running', { kind: 'parallel', startedAt: at('00:20') }),
        step('tell/chat', 'done'),
        step('tell/page', 'running', {
          attempts: 2,
          cost: 380_000,
          activity: 'editing `docs/a.md`',
          startedAt: at('00:20'),
        }),
      ],
    })
    expect(text).toBe(
      [
        '**Working on it** · 3 of 7 steps · 2m 10s · $0.42 of $5.00 · [live view](https://j.test/run_01)',
        '',
        '- [x] Read the ticket · 1s',
        '- [x] Plan · 14s · $0.04',
        '- [x] ~~Agree on the plan~~ · skipped: The condition is false: the change is small, and nobody has to agree.',
        '- [ ] **Tell everyone** · 1m 50s · $0.38',
        '  - [x] Tell the team · 14s',
        '  - [ ] **Write the page** · 1m 50s · $0.38 · attempt 2 · editing `docs/a.md`',
        '  - [ ] Note it',
        '- [ ] Do each task, look at the verdict, wait for the checks',
        '',
        '`/ai stop` · `/ai help`',
        '<!-- journeyman:progress:run_01 -->',
      ].join('\n'),
    )
  })

  it('has one line for a loop: how far it is, with what, and what is being done to it', () => {
    const rounds = [0, 1].flatMap((index) =>
      ['generate', 'commit'].map((name) => step(`each_task[${index}]/${name}`, 'done')),
    )
    const loop = step('each_task', 'running', { kind: 'loop', memo: { items } })
    const third = step('each_task[2]/generate', 'running', {
      name: 'generate',
      activity: 'reading `a.ts`',
      cost: 10_000,
    })
    const line = (text: string) => text.split('\n').find((one) => one.includes('Do each task'))
    expect(line(draw({ plan, steps: [loop, ...rounds, third] }))).toBe(
      '- [ ] **Do each task** · 3 of 7 · Reset @\u200boctocat · 2m 10s · $0.01 · Write the code: reading `a.ts`',
    )
    const fourth = step('each_task[3]/generate', 'running')
    expect(line(draw({ plan, steps: [loop, ...rounds, third, fourth] }))).toContain('· 2 of 7 done, 2 under way ·')
    expect(line(draw({ plan, steps: [step('each_task', 'done', { kind: 'loop', memo: { items } }), ...rounds] }))).toBe(
      '- [x] Do each task · 7 of 7 · 14s',
    )
    expect(line(draw({ plan, steps: [step('each_task', 'done', { kind: 'loop', memo: { items: [] } })] }))).toContain(
      'nothing to do',
    )
    const cut = { code: 'command_failed' as const, message: 'No.' }
    const failed = [
      step('each_task', 'failed', { kind: 'loop', memo: { items }, failure: cut }),
      ...rounds,
      { ...third, state: 'failed' as const },
    ]
    expect(line(draw({ plan, steps: failed }))).toContain('· 3 of 7 · Reset @\u200boctocat · **failed** ·')
  })

  it('names only the way that a conditional has taken', () => {
    const taken = draw({
      plan,
      steps: [step('choose', 'running', { kind: 'conditional' }), step('choose:then/fix', 'running', { name: 'fix' })],
    })
    expect(taken).toContain('  - [ ] **Mend it**')
    expect(taken).not.toContain('thanks')
  })

  it('stays short, however much there is', () => {
    const many = Array.from({ length: 500 }, (_, index) =>
      planned(`step_${index}`, `Do the thing of the number ${index} ${'x'.repeat(400)}`),
    )
    const rounds = Array.from({ length: 1000 }, (_, index) =>
      step(`step_499[${index}]/a`, index < 999 ? 'done' : 'running'),
    )
    const loop = { ...many[499]!, kind: 'loop', steps: [planned('a', 'A')] }
    const steps = [
      ...many.slice(0, 499).map(({ name }) => step(name, 'done')),
      step('step_499', 'running', { kind: 'loop', memo: { items: Array.from({ length: 1000 }, (_, index) => index) } }),
      ...rounds,
    ]
    const approvals = Array.from({ length: 30 }, () => approvalOf({ shown: '<x> `'.repeat(20_000) }))
    const failure = { code: 'timeout' as const, message: '@x '.repeat(100_000), nextAction: '@x '.repeat(100_000) }
    const text = draw({ plan: [...many.slice(0, 499), loop], steps, approvals, run: runIn('running', { failure }) })
    expect(text.length).toBeLessThan(60_000)
    expect(text).toContain('- [x] 460 finished steps')
    expect(text).toContain('· 1000 of 1000 ·')
    expect(text.match(/^- /gm)?.length).toBe(41)
    expect(draw({ plan: many, run: runIn('failed', { failure }), approvals }).length).toBeLessThan(20_000)
    expect(draw({ plan: many }).length).toBeLessThan(4_000)
    expect(text.split('\n').at(-1)).toBe('<!-- journeyman:progress:run_01 -->')
  })

  it.each<[string, Run, RegExp]>([
    ['before the beginning', runIn('queued', { startedAt: null }), /^\*\*Starting\*\*/],
    ['while it waits', runIn('parked', { wakeAt: at('30:00') }), /^\*\*Waiting until 10:30 UTC\*\*/],
    ['while it is being stopped', runIn('running', { stopRequestedBy: 'bob' }), /^\*\*Stopping\*\*/],
    ['parked, and being stopped', runIn('parked', { stopRequestedBy: 'bob' }), /^\*\*Stopping\*\*/],
    ['stopped', runIn('stopped', { stopRequestedBy: 'bob' }), /^\*\*Stopped by bob\*\*/],
    ['done', runIn('done', { links: { change } }), /^\*\*Done: #7 is ready for review\*\*/],
    ['failed', runIn('failed'), /^\*\*Failed\*\*/],
    ['rejected', runIn('failed', { failure: { code: 'rejected', message: 'No.' } }), /^\*\*Rejected\*\*/],
  ])('says where the run stands: %s', (_name, run, title) => {
    expect(draw({ run, plan, steps: [step('read', 'done')] })).toMatch(title)
  })

  it('says what it waits for, and until when', () => {
    const parked = runIn('parked', { wakeAt: new Date('2026-11-21T09:00:00Z') })
    const title = (steps: Parameters<typeof step>[], run = parked, approvals = [] as ReturnType<typeof approvalOf>[]) =>
      draw({ plan, run, approvals, steps: steps.map((one) => step(...one)) }).split(' · ')[0]
    const ci: Parameters<typeof step> = ['wait_for_ci', 'running', { kind: 'wait' }]
    const down = (code: 'unavailable' | 'rate_limited', service: string): Parameters<typeof step> => [
      'read',
      'failed',
      { failure: { code, service, message: '' }, retryInSeconds: 60 },
    ]
    expect(title([ci])).toBe('**Waiting for the checks until 2026-11-21 09:00 UTC**')
    expect(title([ci, ['plan_approval', 'running', { kind: 'approval' }]], parked, [approvalOf()])).toBe(
      '**Waiting for approval**',
    )
    expect(title([down('rate_limited', 'anthropic')])).toBe(
      '**Waiting for the rate limit of Claude until 2026-11-21 09:00 UTC**',
    )
    expect(title([down('unavailable', 'github')])).toContain('GitHub, which does not answer, until')
    expect(title([['@start', 'done']])).toBe('**Waiting for another run of the same to end**')
  })

  it('shows a try that is to follow', () => {
    const failure = { code: 'overloaded' as const, message: '' }
    expect(draw({ plan, steps: [step('read', 'failed', { failure, retryInSeconds: 50, attempts: 2 })] })).toContain(
      '- [ ] **Read the ticket** · 14s · attempt 2 · next try at 10:03 UTC (overloaded)',
    )
  })

  it('says how to start it again as it was started: by its own label, or not by a label', () => {
    const startedBy = (name: string, fields: Record<string, string>) =>
      draw({ run: { ...runIn('done'), event: { ...runIn('done').event, name, fields } as Run['event'] } })
    expect(startedBy('issue.labeled', { label: 'hotfix' })).toContain('put the label `hotfix` on again')
    expect(startedBy('issue.labeled', { label: '` @octocat' })).not.toMatch(/octocat|put the label/)
    expect(startedBy('change.reviewed', { state: 'approved' })).not.toContain('put the label')
  })

  it('says what was undone and what could not be', () => {
    const text = draw({
      plan,
      run: runIn('failed', { failure: { code: 'command_failed', message: 'It broke.' } }),
      steps: [
        step('read', 'done'),
        step('make_plan', 'failed', { failure: { code: 'command_failed', message: 'It broke.' } }),
        step('tell', 'failed', { kind: 'parallel', failure: { code: 'cancelled', message: '' } }),
        step('@rollback/tell/chat', 'done', { name: 'chat' }),
        step('@rollback/read', 'done', { name: 'read' }),
        step('@rollback/each_task[0]/commit', 'failed', {
          name: 'commit',
          failure: { code: 'forbidden', message: 'GitHub answered 403.' },
        }),
        step('@always/cleanup', 'failed', { name: 'cleanup' }),
      ],
    })
    expect(text).toContain('- [ ] Plan · **failed** · 14s')
    expect(text).toContain('- [ ] Tell everyone · cancelled · 14s')
    expect(text).toContain('**Undone:** Tell the team and Read the ticket')
    expect(text).toContain('**Could not be undone:** Commit (GitHub answered 403.)')
    expect(text).toContain('- [ ] After the end: `cleanup` · **failed**')
    expect(text).not.toContain('/ai retry')
    expect(draw({ run: runIn('failed') })).toContain('`/ai retry` · `/ai run`')
  })

  it('says why it failed and what to do, in words that do nothing', () => {
    const failure = { code: 'timeout' as const, message: 'Ask @octocat\n<!-- x -->', nextAction: '/ai run' }
    const text = draw({ run: runIn('failed', { failure, links: { change } }) })
    expect(text).toContain('> Ask @\u200boctocat\n> &lt;!-- x -->')
    expect(text).toContain('**What you can do:** \u200b/ai run')
    expect(text).toContain('Pull request: #7')
  })

  it('does not tell the world what a defect says', () => {
    const text = draw({
      run: runIn('failed', { failure: { code: 'internal', message: 'connect 10.0.0.7:5432 as admin' } }),
    })
    expect(text).not.toContain('10.0.0.7')
    expect(text).toContain('A defect of Journeyman')
  })

  it('says when there is no sandbox', () => {
    expect(draw({ sandbox: { usable: true, kind: 'none' } })).toContain('without a sandbox')
    expect(draw({ sandbox: { usable: false, kind: 'bubblewrap' } })).toContain('checks are not run')
  })
})

describe('what waits for a yes or no', () => {
  const run = runIn('parked', { wakeAt: new Date('2026-11-21T10:01:00Z') })
  const waiting = step('plan_approval', 'running', { kind: 'approval' })
  const ask = (columns: Parameters<typeof approvalOf>[0]) =>
    draw({ run, plan, steps: [waiting], approvals: [approvalOf(columns)] })

  it('is shown as it is bound, with who may answer, until when and how', () => {
    const shown = {
      summary: 'Two tasks, one page.',
      tasks: [
        { title: 'Log in', hours: 2 },
        { title: 'Log out', needs: ['Log in'] },
      ],
      risks: [],
      note: 'First line\nsecond line',
    }
    expect(ask({ shown })).toContain(
      [
        '**Agree on the plan (`plan_approval`): yes or no?** People with write access can answer until 2026-11-21 10:01 UTC; without an answer it counts as a no.',
        '',
        '<details open><summary>An answer counts for exactly this, and for the issue as it stands (3f2a9c1b)</summary>',
        '',
        '```text',
        'summary: Two tasks, one page.',
        'tasks:',
        '  - title: Log in',
        '    hours: 2',
        '  - title: Log out',
        '    needs:',
        '      - Log in',
        'risks: (none)',
        'note:',
        '  First line',
        '  second line',
        '```',
        '',
        '</details>',
        '',
        'Say `/ai approve plan_approval` or `/ai reject plan_approval <why>` in a comment.',
        '',
        '`/ai approve` · `/ai reject` · `/ai stop` · `/ai help`',
      ].join('\n'),
    )
  })

  it('cannot break out of its block, call anybody, or hide what it says', () => {
    const shown = '````\n</details> @octocat <!-- gone -->\n\u202etxet\u200b a\u{e0041}\r\x07'
    const text = ask({ shown })
    expect(text).toContain(
      '`````text\n````\n</details> @octocat <!-- gone -->\n<U+202E>txet<U+200B> a<U+E0041><U+000D><U+0007>\n`````',
    )
  })

  it('says that it was asked again, and that something is left out', () => {
    const text = ask({ asked: 2, shown: 'x'.repeat(50_000) })
    expect(text).toContain('Asked again, for the 2nd time: what it is about was edited since')
    expect(text).toContain('<details open>')
    expect(text).toContain('**These are the first 24,000 of 50,000 characters.**')
  })

  it('names those who may answer and calls none of them', () => {
    const text = ask({ approvers: ['Bob', 'carol#7', 'team:acme/leads', 'role:admin', 'not:asker'], onTimeout: 'fail' })
    expect(text).toContain(
      '`Bob`, `carol`, members of `acme/leads` or people with admin access, but for who asked for this run, can answer until',
    )
    expect(text).toContain('without an answer the run fails.')
    expect(ask({ approvers: ['role:owner'] })).toContain('Nobody can answer')
  })

  it('says who has said what', () => {
    const decided = (state: 'approved' | 'rejected' | 'timed_out', row: 'done' | 'failed') => {
      const failure = row === 'done' ? null : { code: 'rejected' as const, message: '' }
      const approvals = [approvalOf({ state, decidedBy: state === 'timed_out' ? null : 'alice' })]
      return draw({ plan, approvals, steps: [step('plan_approval', row, { failure })] })
    }
    expect(decided('approved', 'done')).toContain('- [x] Agree on the plan · approved by alice · 14s')
    expect(decided('timed_out', 'done')).toContain('- [x] Agree on the plan · nobody answered in time · 14s')
    expect(decided('rejected', 'failed')).toContain('- [ ] Agree on the plan · **rejected** · 14s')
  })

  it('is gone once the run has ended', () => {
    expect(draw({ run: runIn('stopped'), approvals: [approvalOf()] })).not.toContain('yes or no')
  })
})

describe('beside the comment', () => {
  it('there are the labels of its state', () => {
    expect(stateLabels(runIn('running'))).toEqual({ add: ['ai:working'], remove: ['ai', 'ai:review', 'ai:failed'] })
    expect(stateLabels(runIn('parked')).add).toEqual(['ai:working'])
    expect(stateLabels(runIn('done', { links: { change } })).add).toEqual(['ai:review'])
    expect(stateLabels(runIn('done')).add).toEqual([])
    expect(stateLabels(runIn('stopped')).add).toEqual(['ai:failed'])
    expect(stateLabels(runIn('refused')).add).toEqual([])
  })

  it('there is a check, in progress while the run waits, with what it waits for as its title', () => {
    const check = (run: Run, title: string) => renderCheckRun(run, { title, summary: disarm('s'), url: null })
    expect(check(runIn('parked'), 'Waiting')).toBeNull()
    expect(check(runIn('parked', { links: { change } }), 'Waiting for approval')).toMatchObject({
      status: 'in_progress',
      title: 'Waiting for approval',
    })
    const failure = { code: 'timeout' as const, message: '' }
    expect(check(runIn('failed', { links: { change }, failure }), 'Failed')).toMatchObject({
      status: 'completed',
      conclusion: 'failure',
      title: 'Failed: timeout',
    })
    expect(check(runIn('stopped', { links: { change } }), 'Stopped by bob')?.conclusion).toBe('cancelled')
  })
})

import { describe, expect, it } from 'vitest'
import type { Run } from '../domain/run.ts'
import { disarm, fenced, inlineCode } from './disarm.ts'
import { type PullRequestFacts, renderPullRequestBody } from './pull-request-body.ts'

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

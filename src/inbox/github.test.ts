import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { fc, times } from '../../test/at-random.ts'
import { codeOf } from '../domain/errors.ts'
import type { Event, Reading } from '../domain/event.ts'
import { readGitHub, typeOfGitHub, verifyGitHub } from './github.ts'
import { parseJson } from './parse-json.ts'

type Payload = Record<string, unknown> & { action?: string }
const examples: { name: string; examples: Payload[] }[] = createRequire(import.meta.url)('@octokit/webhooks-examples')
const nobody = { userId: null, appId: null }

/** A recorded payload, with changes laid over it. */
const example = (event: string, action: string, changes: Payload = {}): Payload => {
  const found = examples.find((entry) => entry.name === event)?.examples.find((payload) => payload.action === action)
  if (!found) throw new Error(`There is no recorded ${event}.${action}`)
  return merged(structuredClone(found), changes) as Payload
}
const merged = (base: unknown, changes: unknown): unknown => {
  if (typeof base !== 'object' || base === null || typeof changes !== 'object' || changes === null) return changes
  if (Array.isArray(changes)) return changes
  const target = base as Record<string, unknown>
  for (const [key, value] of Object.entries(changes)) target[key] = key in target ? merged(target[key], value) : value
  return target
}
const eventsOf = (reading: Reading): Event[] => ('events' in reading ? reading.events : [])
const read = (event: string, action: string, changes: Payload = {}, self: Parameters<typeof readGitHub>[2] = nobody) =>
  readGitHub(event, example(event, action, changes), self)
const first = (...args: Parameters<typeof read>): Event => {
  const [event] = eventsOf(read(...args))
  if (!event) throw new Error(`Ignored: ${JSON.stringify(read(...args))}`)
  return event
}

describe('the signature', () => {
  const body = Buffer.from('{"action":"labeled"}')
  const sign = (secret: string, bytes = body, algorithm = 'sha256') =>
    `${algorithm}=${createHmac(algorithm, secret).update(bytes).digest('hex')}`
  const verify = (header: string | string[] | undefined, secrets = ['new', 'old']) =>
    verifyGitHub(body, { 'x-hub-signature-256': header }, secrets)

  it('is good with either of two live secrets', () => {
    expect(verify(sign('new'))).toBe('ok')
    expect(verify(sign('old'))).toBe('ok')
  })

  it('is bad with another secret, over other bytes, or in another form', () => {
    expect(verify(sign('other'))).toBe('bad')
    expect(verify(sign('new', Buffer.from('{ "action": "labeled" }')))).toBe('bad')
    expect(verify(sign('new').slice(0, -2))).toBe('bad')
    expect(verify(sign('new').replace('sha256=', ''))).toBe('bad')
    expect(verify([sign('new'), sign('new')])).toBe('bad')
    expect(verify(sign('new', body, 'sha1'))).toBe('bad')
  })

  it('is missing when there is only SHA-1', () => {
    expect(verifyGitHub(body, { 'x-hub-signature': sign('new', body, 'sha1') }, ['new'])).toBe('unsigned')
  })

  it('closes the route when no secret is configured, an empty one too', () => {
    expect(verify(sign('', body), [])).toBe('closed')
    expect(verify(sign('', body), [''])).toBe('closed')
  })
})

describe('a recorded delivery', () => {
  it('issues.labeled names the label, the person by number, and where to act', () => {
    const event = first('issues', 'labeled', { installation: { id: 5 }, label: { name: 'ai' } })
    expect(event).toEqual({
      name: 'issue.labeled',
      provider: 'github',
      repository: 'Codertocat/Hello-World',
      repositoryUrl: 'https://github.com/Codertocat/Hello-World',
      installation: '5',
      actor: { login: 'Codertocat', id: '21031067', isBot: false },
      subject: { kind: 'issue', key: '1', url: 'https://github.com/Codertocat/Hello-World/issues/1' },
      revision: expect.stringMatching(/^2019-05-15T/),
      fields: { label: 'ai' },
    })
  })

  it('a pull request labelled as an issue is a change, with the same revision as its other copy', () => {
    const updated_at = '2026-11-20T10:00:00Z'
    const asIssue = first('issues', 'labeled', { issue: { number: 2, updated_at, pull_request: { url: 'x' } } })
    const asPull = first('pull_request', 'labeled', { pull_request: { number: 2, updated_at } })
    expect(asIssue).toMatchObject({ name: 'change.labeled', subject: { kind: 'change', key: '2' } })
    expect(asPull).toMatchObject({ name: 'change.labeled', subject: { kind: 'change', key: '2' } })
    expect(asPull.revision).toBe(asIssue.revision)
  })

  it('two labellings of one issue differ in their revision', () => {
    const later = { issue: { updated_at: '2026-11-20T11:00:00Z' } }
    expect(first('issues', 'labeled', later).revision).not.toBe(first('issues', 'labeled').revision)
  })

  it.each([
    ['issues', 'opened', 'issue.opened', 'issue', {}],
    ['issues', 'assigned', 'issue.assigned', 'issue', { assignee: 'Codertocat', assignee_id: '21031067' }],
    ['pull_request', 'labeled', 'change.labeled', 'change', { source_branch: 'changes', target_branch: 'master' }],
    ['pull_request', 'closed', 'change.closed', 'change', { source_branch: 'changes' }],
    ['pull_request_review', 'submitted', 'change.reviewed', 'change', { state: 'commented', review_id: '237895671' }],
    ['check_suite', 'completed', 'checks.completed', 'change', { conclusion: 'success', source_branch: 'changes' }],
  ])('%s.%s is %s', (name, action, expected, kind, fields) => {
    const event = first(name, action)
    expect(event).toMatchObject({ name: expected, subject: { kind }, fields })
    expect(event.revision).not.toBe('')
  })

  it('a merged pull request is merged', () => {
    expect(first('pull_request', 'closed', { pull_request: { merged: true } }).name).toBe('change.merged')
  })

  it('failed checks are completed and failed, once for each commit whatever suite says so', () => {
    const failed = eventsOf(read('check_suite', 'completed', { check_suite: { conclusion: 'failure' } }))
    const again = eventsOf(read('check_suite', 'completed', { check_suite: { conclusion: 'timed_out', id: 9 } }))
    expect(failed.map((event) => event.name)).toEqual(['checks.completed', 'checks.failed'])
    expect(failed[1]?.subject).toMatchObject({ key: '2', url: 'https://github.com/Codertocat/Hello-World/pull/2' })
    expect(again[1]?.revision).toBe(failed[1]?.revision)
  })

  it('checks of a fork belong to nobody here', () => {
    expect(read('check_suite', 'completed', { check_suite: { pull_requests: [] } })).toHaveProperty('ignored')
  })

  it('every recorded payload is read or ignored with a reason', () => {
    for (const { name, examples: recorded } of examples) {
      for (const payload of recorded) {
        const reading = readGitHub(name, payload, nobody)
        if ('ignored' in reading) expect(reading.ignored).toMatch(/^\S.+\.$/)
        else expect(reading.events.length).toBeGreaterThan(0)
      }
    }
  })

  it("is kept under the provider's own name for it", () => {
    expect(typeOfGitHub('issues', example('issues', 'labeled'))).toBe('issues.labeled')
    expect(typeOfGitHub('ping', {})).toBe('ping')
    expect(typeOfGitHub('issues', { action: { toString: () => 'labeled' } })).toBe('issues')
  })
})

describe('a command', () => {
  const say = (body: string, changes: Payload = {}) =>
    eventsOf(read('issue_comment', 'created', { comment: { body, id: 77 }, ...changes }))
  const commandsIn = (body: string) => say(body).map((event) => [event.fields['command'], event.fields['arguments']])

  it('stands at the start of a line, with its arguments as they are', () => {
    expect(commandsIn('Thanks!\r\n/ai run  hotfix ${x} {{y}} $(rm)  \r\nBye')).toEqual([
      ['run', 'hotfix ${x} {{y}} $(rm)'],
    ])
    expect(commandsIn('/AI run')).toEqual([])
    expect(commandsIn('/ai RUN')).toEqual([['run', '']])
    expect(commandsIn('/ai')).toEqual([['help', '']])
  })

  it('is not one inside a line, in a quotation or in a code block', () => {
    const text = 'try /ai run\n> /ai run\n  /ai run\n/air run\n```sh\n/ai stop\n~~~\n/ai stop\n```\n/ai status'
    expect(commandsIn(text)).toEqual([['status', '']])
  })

  it('on a pull request is about the change, and each has a revision of its own', () => {
    const events = say('/ai stop\n/ai run', { issue: { number: 2, pull_request: { url: 'x' } } })
    expect(events.map((event) => [event.name, event.subject?.kind, event.fields['comment_id']])).toEqual([
      ['command.given', 'change', '77'],
      ['command.given', 'change', '77'],
    ])
    expect(new Set(events.map((event) => event.revision)).size).toBe(2)
  })

  it('is found in a review and in an inline comment', () => {
    const review = eventsOf(read('pull_request_review', 'submitted', { review: { body: '/ai revise the tests' } }))
    expect(review.map((event) => event.name)).toEqual(['change.reviewed', 'command.given'])
    const inline = read('pull_request_review_comment', 'created', { comment: { body: '/ai stop', id: 3 } })
    expect(eventsOf(inline)).toMatchObject([
      { name: 'command.given', fields: { command: 'stop', review_comment_id: '3' } },
    ])
  })

  it('without one a comment on an issue is ignored, and one on a pull request is a comment', () => {
    expect(say('Nice')).toEqual([])
    expect(say('Nice', { issue: { pull_request: { url: 'x' } } })[0]?.name).toBe('change.commented')
    expect(read('issue_comment', 'edited', { comment: { body: '/ai run' } })).toHaveProperty('ignored')
  })

  it('is found in a hostile text without delay', () => {
    const gap = ' '.repeat(30_000)
    expect(commandsIn(`/ai${gap}\u2028${gap}\n${'`'.repeat(60_000)}\u2028x\n/ai${gap}run${gap}now`)[0]).toEqual([
      'help',
      '',
    ])
  })

  it('comes in bounded number', () => {
    expect(commandsIn('/ai run\n'.repeat(1000))).toHaveLength(5)
  })
})

describe('what we did ourselves', () => {
  const ours = { userId: '99', appId: '7' }
  const command = { body: '/ai run', performed_via_github_app: { id: 7 } }

  it.each([
    ['issues', 'labeled', { sender: { id: 99, type: 'Bot' } }],
    ['issue_comment', 'created', { comment: command }],
    ['pull_request_review_comment', 'created', { comment: command }],
    ['check_suite', 'completed', { check_suite: { app: { id: 7 } } }],
  ])('%s.%s is ignored', (name, action, changes) => {
    expect(read(name, action, changes, ours)).toHaveProperty('ignored')
    expect(read(name, action, changes, { userId: '1', appId: '2' })).toHaveProperty('events')
  })

  it('a person with our name is not us', () => {
    expect(read('issues', 'labeled', { sender: { login: 'journeyman[bot]', id: 5 } }, ours)).toHaveProperty('events')
    expect(first('issues', 'labeled', { sender: { type: 'Bot' } }).actor.isBot).toBe(true)
  })
})

describe('bad input', () => {
  const refusal = (event: string, body: unknown): string => {
    try {
      readGitHub(event, body, nobody)
      return 'read'
    } catch (error) {
      return codeOf(error)
    }
  }

  it('a payload that lacks what its name promises is invalid_input', () => {
    expect(refusal('issues', { action: 'labeled' })).toBe('invalid_input')
    expect(refusal('issues', example('issues', 'labeled', { issue: null } as Payload))).toBe('invalid_input')
    expect(refusal('issues', example('issues', 'labeled', { repository: { full_name: '../x' } }))).toBe('invalid_input')
    expect(refusal('issue_comment', { ...example('issues', 'labeled'), action: 'created' })).toBe('invalid_input')
  })

  it('names that reach into the prototype are just unknown', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(readGitHub(name, {}, nobody)).toHaveProperty('ignored')
      expect(readGitHub('issues', { action: name }, nobody)).toHaveProperty('ignored')
    }
  })

  it('keys that would pollute a prototype change nothing', () => {
    const text = JSON.stringify(example('issues', 'labeled')).replace('{', '{"__proto__":{"polluted":1},')
    expect(readGitHub('issues', parseJson(Buffer.from(text)), nobody)).toHaveProperty('events')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('a body 10,000 deep, cut short or in another encoding is invalid_input', () => {
    const deep = '{"a":'.repeat(10_000)
    const bodies = [deep, `${deep}1${'}'.repeat(10_000)}`, '['.repeat(1_000_000), '{"a":', '', '\u0000', '{"a":"\\"}']
    for (const body of bodies) {
      expect(() => parseJson(Buffer.from(body)), body.slice(0, 20)).toThrow(
        expect.objectContaining({ code: 'invalid_input' }),
      )
    }
    expect(parseJson(Buffer.from('{"a":"[[[\\"{{{"}'))).toEqual({ a: '[[["{{{' })
  })

  it('brackets in text do not count as depth', () => {
    expect(parseJson(Buffer.from(JSON.stringify({ body: '['.repeat(5000) })))).toHaveProperty('body')
  })

  it('whatever is posted is read, ignored or refused, and nothing else is thrown', () => {
    const names = fc.constantFrom('issues', 'issue_comment', 'pull_request', 'pull_request_review', 'check_suite')
    const action = fc.constantFrom('labeled', 'opened', 'assigned', 'created', 'closed', 'submitted', 'completed')
    fc.assert(
      fc.property(names, action, fc.jsonValue(), fc.jsonValue(), (name, verb, any, other) => {
        const base = { sender: { login: 'a', id: 1, type: 'User' }, repository: { full_name: 'a/b', html_url: 'u' } }
        const bodies = [
          any,
          { action: verb, issue: any, comment: other },
          { ...base, action: verb, issue: any, label: other },
        ]
        for (const body of bodies) expect(['read', 'invalid_input']).toContain(refusal(name, body))
      }),
      { numRuns: times(300) },
    )
  })

  it('a recorded payload with any one value replaced is read, ignored or refused', () => {
    const payload = example('pull_request_review', 'submitted')
    const paths = ['sender', 'repository', 'pull_request', 'review', 'installation', 'action']
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        expect(['read', 'invalid_input']).toContain(refusal('pull_request_review', { ...payload, [path]: value }))
      }),
      { numRuns: times(300) },
    )
  })
})

import { describe, expect, it } from 'vitest'
import type { Event } from './event.ts'
import { intentKey } from './intent-key.ts'

const labelled: Event = {
  name: 'issue.labeled',
  provider: 'github',
  repository: 'acme/shop',
  repositoryUrl: 'https://github.com/acme/shop',
  installation: '1',
  actor: { login: 'ann', id: '7', isBot: false },
  subject: { kind: 'issue', key: '12', url: 'https://github.com/acme/shop/issues/12' },
  revision: '2026-11-20T10:00:00Z',
  fields: { label: 'ai' },
}
const reviewed: Event = { ...labelled, name: 'change.reviewed', subject: { kind: 'change', key: '12', url: '' } }
const key = (event: Event) => intentKey(event, 'standard')

describe('the intent key', () => {
  it('is one for a label, a later label and a command by somebody else on the same ticket', () => {
    const command: Event = {
      ...labelled,
      name: 'command.given',
      provider: 'slack',
      actor: { login: 'bob', id: '8', isBot: false },
      repository: 'Acme/Shop',
      revision: 'comment 5',
    }
    expect(key(command)).toBe(key(labelled))
    expect(key({ ...labelled, revision: 'later' })).toBe(key(labelled))
  })

  it('is one for a transition in the tracker and a chat command, whatever repository either knows of', () => {
    const subject = { kind: 'task' as const, key: 'PROJ-7', url: '' }
    const transition: Event = { ...labelled, name: 'task.transitioned', provider: 'jira', repository: null, subject }
    const command: Event = { ...labelled, name: 'command.given', provider: 'slack', subject }
    expect(key(command)).toBe(key(transition))
  })

  it('differs by workflow, number, kind, repository and host', () => {
    const subject = { kind: 'issue' as const, key: '13', url: '' }
    const others = [
      key(labelled),
      intentKey(labelled, 'docs'),
      key({ ...labelled, subject }),
      key({ ...labelled, subject: { kind: 'change', key: '12', url: '' } }),
      key({ ...labelled, repository: 'acme/blog' }),
      key({ ...labelled, repositoryUrl: 'https://git.example.com/acme/shop' }),
    ]
    expect(new Set(others).size).toBe(others.length)
  })

  it('keeps two reviews of one change apart, and gives one review the same key twice', () => {
    expect(key({ ...reviewed, revision: 'review 2' })).not.toBe(key(reviewed))
    expect(key({ ...reviewed })).toBe(key(reviewed))
  })

  it('keeps two due times of a schedule apart', () => {
    const due: Event = { ...labelled, name: 'schedule.due', subject: null, revision: '06:00' }
    expect(key({ ...due, revision: '07:00' })).not.toBe(key(due))
  })

  it('cannot be made to collide by moving text from one part to the next', () => {
    const subject = { kind: 'issue' as const, key: '12', url: '' }
    const a: Event = { ...labelled, repository: 'a","b', subject }
    const b: Event = { ...labelled, repository: 'a', subject }
    expect(intentKey(a, 'w')).not.toBe(intentKey(b, 'w","b'))
  })
})

import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { fc, times } from '../at-random.ts'
import { describeOnEachHouse, type House } from './house.ts'
import { deliver, knock, labelBody } from './knock.ts'

/** Texts that databases, parsers and loggers stumble over. */
const oddText = fc.oneof(
  fc.constantFrom(
    '\0',
    'a\0b',
    '\ud800',
    '\udc00x',
    '\ufeff',
    '',
    '__proto__',
    'constructor',
    "';--",
    '${1}',
    '{{1}}',
    '%s',
  ),
  fc.string({ unit: 'binary' }),
  fc.integer({ min: 300, max: 6_000 }).map((length) => randomText(length)),
)
/** A key that an index has to hold: nothing that compresses. */
const randomText = (length: number): string =>
  Array.from({ length: Math.ceil(length / 36) }, () => randomUUID()).join('')

const oddValue = fc.oneof(
  { weight: 4, arbitrary: oddText },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('acme/', '/ai run ', '/ai stop ', 'https://x/'), oddText)
      .map(([a, b]) => a + b),
  },
  fc.constantFrom(null, true, [], {}, 0, -1, 1.5, 2 ** 53, 1e308, '-0'),
  fc.jsonValue(),
)

const issueNumber = fc.integer({ min: 1, max: 1_000_000_000 })

const events = ['issues', 'issue_comment', 'pull_request', 'pull_request_review', 'check_suite', 'ping', 'unheard_of']

describeOnEachHouse('a signed delivery that makes no sense', (open) => {
  it('never gives a 5xx, stores nothing that was refused, and pollutes nothing', async () => {
    const house = await open()
    await house.start({}, { worker: false })
    const label = JSON.parse(await labelBody(house))
    const comment = await commentOf(house)
    const answers = new Map<number, number>()
    const expectAnswered = async (body: string | Buffer, event: string, headers: Record<string, string> = {}) => {
      const { status, json } = await deliver(house, body, { event, headers })
      answers.set(status, (answers.get(status) ?? 0) + 1)
      expect([200, 202, 400]).toContain(status)
      if (status === 400) expect(json).toEqual({ code: 'invalid_input', message: expect.any(String) })
    }

    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('issues', 'issue_comment'),
        place,
        oddValue,
        issueNumber,
        (event, at, value, number) => {
          // Another issue each time, so that each is a run of its own.
          const payload = withOne(event === 'issues' ? label : comment, 'issue.number', number)
          return expectAnswered(JSON.stringify(withOne(payload, at, value)), event)
        },
      ),
      { numRuns: times(200) },
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...events), fc.oneof(fc.json(), fc.string()), (event, body) =>
        expectAnswered(body, event),
      ),
      { numRuns: times(50) },
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...events), (bytes, event) =>
        expectAnswered(Buffer.from(bytes), event),
      ),
      { numRuns: times(30) },
    )
    await fc.assert(
      fc.asyncProperty(headerText, headerText, headerText, (id, event, type) =>
        expectAnswered(JSON.stringify(label), 'issues', {
          'x-github-delivery': id,
          'x-github-event': event,
          'content-type': type,
        }),
      ),
      { numRuns: times(50) },
    )
    for (const text of ['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}']) {
      await expectAnswered(text, 'issues')
      await expectAnswered(JSON.stringify({ ...label, as: 0 }).replace('"as":0', text.slice(1, -1)), 'issues')
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(answers.get(400)).toBeGreaterThan(50)
    expect(answers.get(202)).toBeGreaterThan(20)

    const { stored } = await house.look(({ db }) =>
      db
        .selectFrom('deliveries')
        .select((row) => row.fn.countAll<string>().as('stored'))
        .executeTakeFirstOrThrow(),
    )
    expect(Number(stored)).toBe(answers.get(202))
    expect(await knock(house, { method: 'GET', path: '/health/ready' })).toMatchObject({ status: 200 })
  })
})

/** What Node lets a client send as a header's value. */
const headerText = fc.string({ unit: fc.constantFrom(...'\t "\\;=/,ü~a1-'), maxLength: 230 }).map((text) => text.trim())

/** What is read of these payloads, and sometimes anything else that is in them. */
const place = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'action',
      'label.name',
      'comment.body',
      'comment.id',
      'issue.number',
      'issue.html_url',
      'issue.updated_at',
      'sender.login',
      'sender.id',
      'repository.full_name',
      'repository.html_url',
      'installation.id',
    ),
  },
  { weight: 1, arbitrary: fc.nat() },
)

/** The same with one value replaced: at a path, or at one of its leaves by number. */
const withOne = (payload: object, at: string | number, value: unknown): object => {
  const copy = structuredClone(payload)
  const all = placesIn(copy)
  const found = typeof at === 'string' ? all.find(({ path }) => path === at) : all[at % all.length]
  if (found) Reflect.set(found.holder, found.key, value)
  return copy
}

type Found = { holder: object; key: string; path: string }

const placesIn = (holder: object, above = ''): Found[] =>
  Object.entries(holder).flatMap(([key, inner]) => {
    const path = `${above}${key}`
    const below = typeof inner === 'object' && inner !== null ? placesIn(inner, `${path}.`) : []
    return [{ holder, key, path }, ...below]
  })

const commentOf = async (house: House): Promise<object> => {
  const { github } = house.world
  const address = github.webhookUrl
  github.webhookUrl = null
  await house.repository.comment(house.issue.number, '/ai run\n/ai stop now', house.alice)
  github.webhookUrl = address
  return JSON.parse(github.deliveries.at(-1)?.body ?? '')
}

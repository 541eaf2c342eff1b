import { beforeAll, beforeEach, expect, it } from 'vitest'
import { breakableDatabase } from '../../test/breakable-database.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import type { Delivery, Event } from '../domain/event.ts'
import { createQueue } from '../queue/queue.ts'
import type { Database } from '../store/database.ts'
import { saveDefinition } from '../store/definitions.ts'
import type { LoadedWorkflow } from '../workflow/language/definition.ts'
import { parseWorkflow } from '../workflow/language/parse-workflow.ts'
import { createReceiver, type Receiver } from './receive.ts'

const source = `name: dev
description: d
version: "1.0.0"
on: [ { event: issue.labeled, label: ai }, { command: run } ]
steps: [ { name: one, type: system, action: log, inputs: { message: hello } } ]
`

describeOnEachDatabase('receiving', (open) => {
  let database: TestDatabase
  let receiver: Receiver
  let workflow: LoadedWorkflow
  let made = 0
  const receiverOn = async (on: Database): Promise<Receiver> => {
    const queue = createQueue(on, { supervise: false })
    await queue.start()
    return createReceiver({
      database: on,
      queue,
      workflows: () => [workflow],
      caps: () => ({ costCap: 1, tokenCap: 1, deadlineSeconds: 60 }),
    })
  }
  beforeAll(async () => {
    database = await open()
    const { definition } = parseWorkflow(source, 'dev.yaml')
    if (!definition) throw new Error('The test has a broken workflow.')
    workflow = { hash: 'h', file: 'dev.yaml', source, prompts: {}, definition }
    await saveDefinition(database.db, { hash: 'h', name: 'dev', source, prompts: {} })
    receiver = await receiverOn(database)
  })
  beforeEach(async () => {
    await database.query("update workflow_executions set state = 'done'")
  })

  const eventOf = (issue: string, columns: Partial<Event> = {}): Event => ({
    name: 'issue.labeled',
    provider: 'github',
    repository: 'acme/shop',
    repositoryUrl: 'https://github.com/acme/shop',
    installation: '1',
    actor: { login: 'alice', id: '1', isBot: false },
    subject: { kind: 'issue', key: issue, url: 'https://github.com/acme/shop/issues/1' },
    revision: 'r',
    fields: { label: 'ai' },
    ...columns,
  })
  const command = (issue: string, said: string, rest = ''): Event =>
    eventOf(issue, { name: 'command.given', fields: { command: said, arguments: rest } })
  const deliveryOf = (id: string, body: string): Delivery => ({
    provider: 'github',
    deliveryId: id,
    type: 'issues.labeled',
    body: Buffer.from(body),
    receivedAt: new Date(),
  })
  const fresh = () => `d-${++made}`
  const issueOf = () => String(++made)
  const jobsFor = async (runId: string) => {
    const { rows } = await database.query(
      `select data from pgboss.job where name = 'acknowledge' and data->>'runId' = $1`,
      [runId],
    )
    return rows.length
  }
  const rowOf = async (id: string) => {
    const { rows } = await database.query('select disposition, reason from deliveries where delivery_id = $1', [id])
    return rows
  }

  it('a delivery starts its run and its job, and is on record', async () => {
    const id = fresh()
    const receipt = await receiver.receive(deliveryOf(id, id), { events: [eventOf(issueOf())] })
    expect(receipt).toMatchObject({ known: false, disposition: 'started', runs: [expect.stringMatching(/^run_/)] })
    expect(await rowOf(id)).toEqual([{ disposition: 'started', reason: null }])
    expect(await jobsFor(receipt.runs[0] ?? '')).toBe(1)
  })

  it('the same delivery twenty times at once is one', async () => {
    const id = fresh()
    const issue = issueOf()
    const receipts = await Promise.all(
      Array.from({ length: 20 }, () => receiver.receive(deliveryOf(id, id), { events: [eventOf(issue)] })),
    )
    expect(receipts.filter((receipt) => !receipt.known)).toHaveLength(1)
    expect(new Set(receipts.map((receipt) => receipt.runs.join()))).toHaveLength(1)
    expect(await rowOf(id)).toHaveLength(1)
    expect(await jobsFor(receipts[0]?.runs[0] ?? '')).toBe(1)
  })

  it('twenty wishes for one ticket at once are one run, and each has its row', async () => {
    const issue = issueOf()
    const receipts = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const id = fresh()
        const event = index % 2 === 0 ? eventOf(issue) : command(issue, 'run')
        return receiver.receive(deliveryOf(id, id), { events: [event] })
      }),
    )
    expect(receipts.filter((receipt) => receipt.disposition === 'started')).toHaveLength(1)
    expect(receipts.filter((receipt) => receipt.disposition === 'joined')).toHaveLength(19)
    const [run] = [...new Set(receipts.flatMap((receipt) => receipt.runs))]
    expect(await jobsFor(run ?? '')).toBe(1)
    const { rows } = await database.query(
      'select role, count(*)::int as n from delivery_runs where run_id = $1 group by role order by role',
      [run],
    )
    expect(rows).toEqual([
      { role: 'joined', n: 19 },
      { role: 'started', n: 1 },
    ])
  })

  it('a wish that is said twice in one comment starts one run, which it is said to have started', async () => {
    const id = fresh()
    const issue = issueOf()
    const receipt = await receiver.receive(deliveryOf(id, id), {
      events: [command(issue, 'run'), command(issue, 'run')],
    })
    expect(receipt).toMatchObject({ disposition: 'started', runs: [expect.any(String)] })
    const { rows } = await database.query('select role from delivery_runs where run_id = $1', [receipt.runs[0]])
    expect(rows).toEqual([{ role: 'started' }])
  })

  it('an old body under a new number starts nothing, also when both come at once', async () => {
    const [first, second, third] = [fresh(), fresh(), fresh()]
    const issue = issueOf()
    const receive = (id: string) =>
      receiver.receive(deliveryOf(id, `the body of ${first}`), { events: [eventOf(issue)] })
    const both = await Promise.all([receive(first), receive(second)])
    expect(both.map((receipt) => receipt.disposition).sort()).toEqual(['ignored', 'started'])
    await database.query("update workflow_executions set state = 'done'")
    expect(await receive(third)).toMatchObject({
      disposition: 'ignored',
      reason: expect.stringContaining('arrived before'),
    })
  })

  it('when the run has ended the next wish is a new one', async () => {
    const issue = issueOf()
    const [first, second] = [fresh(), fresh()]
    const one = await receiver.receive(deliveryOf(first, first), { events: [eventOf(issue)] })
    await database.query("update workflow_executions set state = 'failed'")
    const two = await receiver.receive(deliveryOf(second, second), { events: [eventOf(issue)] })
    expect(two).toMatchObject({ disposition: 'started' })
    expect(two.runs).not.toEqual(one.runs)
  })

  it('what is of no use is on record with the reason; a word to a run is a signal', async () => {
    const [useless, other, word] = [fresh(), fresh(), fresh()]
    await receiver.receive(deliveryOf(useless, useless), { ignored: 'Nobody asked.' })
    await receiver.receive(deliveryOf(other, other), { events: [eventOf(issueOf(), { fields: { label: 'bug' } })] })
    const signalled = await receiver.receive(deliveryOf(word, word), { events: [command(issueOf(), 'stop')] })
    expect(await rowOf(useless)).toEqual([{ disposition: 'ignored', reason: 'Nobody asked.' }])
    expect(await rowOf(other)).toEqual([
      { disposition: 'ignored', reason: 'No workflow is started by issue.labeled, and no live run waits for it.' },
    ])
    expect(signalled).toMatchObject({ disposition: 'signalled', runs: [] })
  })

  it('a comment may hold anything', async () => {
    const id = fresh()
    const odd = 'nul \0, half \ud83d, whole 😀, written \\u0000'
    const receipt = await receiver.receive(deliveryOf(id, odd), {
      events: [command(issueOf(), 'run', odd), command(issueOf(), 'stop', odd)],
    })
    expect(receipt.disposition).toBe('started')
    const { rows } = await database.query('select event from workflow_executions where id = $1', [receipt.runs[0]])
    const said = 'nul \ufffd, half \ufffd, whole 😀, written \\u0000'
    expect(rows).toMatchObject([{ event: { fields: { arguments: said } } }])
  })

  it('a database that is away for a moment loses none and doubles none, wherever it breaks', async () => {
    const breaks = { at: Number.POSITIVE_INFINITY, how: 'unsent' as 'unsent' | 'unanswered' }
    let seen = 0
    const flickering = breakableDatabase(database, () => (++seen === breaks.at ? breaks.how : 'through'))
    const careful = await receiverOn(flickering)
    for (const how of ['unsent', 'unanswered'] as const) {
      for (let at = 1; at <= 8; at++) {
        seen = 0
        Object.assign(breaks, { at, how })
        const [one, two] = [fresh(), fresh()]
        const issue = issueOf()
        const receipts = await Promise.all([
          careful.receive(deliveryOf(one, one), { events: [eventOf(issue)] }),
          careful.receive(deliveryOf(two, two), { events: [command(issue, 'run')] }),
        ])
        const dispositions = await Promise.all([one, two].map(rowOf))
        expect(
          dispositions
            .flat()
            .map((row) => row['disposition'])
            .sort(),
          `${how} ${at}`,
        ).toEqual(['joined', 'started'])
        expect(await jobsFor(receipts[0].runs[0] ?? ''), `${how} ${at}`).toBe(1)
      }
    }
  })

  it('one that cannot be stored keeps no other from it, and what its company is recorded as is true', async () => {
    const [bad, good] = [fresh(), fresh()]
    const issue = issueOf()
    const broken = { ...deliveryOf(bad, bad), provider: null as never }
    const [first, second] = await Promise.allSettled([
      receiver.receive(broken, { events: [eventOf(issue)] }),
      receiver.receive(deliveryOf(good, good), { events: [eventOf(issue)] }),
    ])
    expect(first.status).toBe('rejected')
    expect(second).toMatchObject({ status: 'fulfilled', value: { disposition: 'started' } })
    expect(await rowOf(good)).toEqual([{ disposition: 'started', reason: null }])
  })
})

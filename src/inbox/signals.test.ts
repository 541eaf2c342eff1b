import { beforeAll, beforeEach, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import type { Delivery, Event } from '../domain/event.ts'
import { createQueue } from '../queue/queue.ts'
import { saveDefinition } from '../store/definitions.ts'
import { finishRun } from '../store/finish-run.ts'
import { requestStop } from '../store/runs.ts'
import { signalsOf } from '../store/signals.ts'
import type { LoadedWorkflow } from '../workflow/language/definition.ts'
import { parseWorkflow } from '../workflow/language/parse-workflow.ts'
import { createReceiver, type Receiver } from './receive.ts'

const source = `name: waits
description: d
version: "1.0.0"
on: [ { event: issue.labeled, label: ai }, { event: change.reviewed } ]
steps:
  - { name: review, type: wait, event: change.reviewed, timeout: 60 }
  - { name: checks, type: wait, event: checks.completed, timeout: 60 }
  - { name: failed, type: wait, event: checks.failed, timeout: 60 }
`

describeOnEachDatabase('signals', (open) => {
  let database: TestDatabase
  let receiver: Receiver
  let made = 0
  beforeAll(async () => {
    database = await open()
    const { definition } = parseWorkflow(source, 'waits.yaml')
    if (!definition) throw new Error('The test has a broken workflow.')
    const workflow: LoadedWorkflow = { hash: 'h', file: 'waits.yaml', source, prompts: {}, definition }
    await saveDefinition(database.db, { hash: 'h', name: 'waits', source, prompts: {} })
    const queue = createQueue(database, { supervise: false })
    await queue.start()
    const caps = () => ({ costCap: 1, tokenCap: 1, deadlineSeconds: 60 })
    receiver = createReceiver({ database, queue, workflows: () => [workflow], caps })
  })
  beforeEach(async () => {
    await database.query("update workflow_executions set state = 'done'")
  })

  const eventOf = (columns: Partial<Event> = {}): Event => ({
    name: 'issue.labeled',
    provider: 'github',
    repository: 'acme/shop',
    repositoryUrl: 'https://github.com/acme/shop',
    installation: '1',
    actor: { login: 'alice', id: '1', isBot: false },
    subject: { kind: 'issue', key: '1', url: 'https://github.com/acme/shop/issues/1' },
    revision: 'r',
    fields: { label: 'ai' },
    ...columns,
  })
  const change = (number: number): Event['subject'] => ({ kind: 'change', key: String(number), url: '' })
  const checks = (number: number, fields: Record<string, string> = {}): Event =>
    eventOf({
      name: 'checks.completed',
      subject: change(number),
      revision: 'sha',
      fields: { head_sha: 'sha', ...fields },
    })
  const receive = (events: Event[], body = `body ${++made}`, id = `d-${++made}`) => {
    const delivery: Delivery = {
      provider: 'github',
      deliveryId: id,
      type: 't',
      body: Buffer.from(body),
      receivedAt: new Date(),
    }
    return receiver.receive(delivery, { events })
  }
  const started = async (): Promise<string> => {
    const subject = { kind: 'issue' as const, key: String(++made), url: '' }
    const { runs } = await receive([eventOf({ subject })])
    return runs[0] ?? ''
  }
  const withChange = async (number: number): Promise<string> => {
    const id = await started()
    await database.query('update workflow_executions set links = $2 where id = $1', [
      id,
      JSON.stringify({ change: { number, url: '', title: '', branch: `b${number}`, headSha: 'sha', files: 1 } }),
    ])
    return id
  }
  const jobsFor = async (runId: string) =>
    (await database.query(`select id from pgboss.job where name = 'advance-run' and data->>'runId' = $1`, [runId])).rows
      .length
  const linksOf = async (runId: string) =>
    (await database.query('select role from delivery_runs where run_id = $1 order by role', [runId])).rows.map(
      (row) => row['role'],
    )
  const namesFor = async (runId: string) => (await signalsOf(database.db, runId)).map(({ event }) => event.name)

  it('come for a run that may wait, before it does, and wake it in the same transaction', async () => {
    const id = await withChange(11)
    await database.query(
      `update workflow_executions set state = 'parked', wake_at = now() + interval '1 day' where id = $1`,
      [id],
    )
    const receipt = await receive([checks(11)])
    expect(receipt).toMatchObject({ disposition: 'signalled', reason: null, runs: [id] })
    expect(await namesFor(id)).toEqual(['checks.completed'])
    expect(await linksOf(id)).toEqual(['signalled', 'started'])
    expect(await jobsFor(id)).toBe(1)
    const { rows } = await database.query('select wake_at, woken from workflow_executions where id = $1', [id])
    expect(rows).toEqual([{ wake_at: null, woken: true }])
  })

  it('come once, however often the delivery does, and not at all as a replay', async () => {
    const id = await withChange(12)
    const again = () => receive([checks(12)], 'the same body', 'the-same-number')
    const receipts = await Promise.all(Array.from({ length: 10 }, again))
    expect(receipts.filter((receipt) => !receipt.known)).toHaveLength(1)
    expect(await receive([checks(12)], 'the same body', 'another-number')).toMatchObject({
      disposition: 'ignored',
      reason: expect.stringContaining('arrived before'),
    })
    expect(await namesFor(id)).toEqual(['checks.completed'])
    expect(await jobsFor(id)).toBe(1)
  })

  it('come each, when many arrive together', async () => {
    const ids = await Promise.all([21, 22, 23].map(withChange))
    const receipts = await Promise.all(
      [21, 22, 23].flatMap((number) => [receive([checks(number)]), receive([checks(number, { round: '2' })])]),
    )
    expect(receipts.map((receipt) => receipt.disposition)).toEqual(Array.from({ length: 6 }, () => 'signalled'))
    for (const id of ids) expect(await namesFor(id)).toEqual(['checks.completed', 'checks.completed'])
  })

  it('come for each event of one delivery, and for each run that may wait', async () => {
    const both = await Promise.all([withChange(31), withChange(31)])
    const failed = eventOf({ ...checks(31), name: 'checks.failed' })
    const { runs } = await receive([checks(31), failed])
    expect(runs.sort()).toEqual(both.sort())
    for (const id of both) expect(await namesFor(id)).toEqual(['checks.completed', 'checks.failed'])
  })

  it('find the run that is just opening the change, by its branch', async () => {
    const id = await started()
    await database.query(
      `insert into effects (run_id, key, kind, target, state, epoch) values ($1, 'pull_request:feature/1', 'pull_request', '', 'sent', 1)`,
      [id],
    )
    expect(await receive([checks(41, { source_branch: 'feature/1' })])).toMatchObject({ runs: [id] })
    expect(await receive([checks(41, { source_branch: 'feature/2' })])).toMatchObject({ disposition: 'ignored' })
  })

  it('start a run and reach another that waits; what starts a run is no signal to it', async () => {
    const waiting = await withChange(51)
    const review = eventOf({ name: 'change.reviewed', subject: change(51), revision: 'review 1', fields: {} })
    const { disposition, runs } = await receive([review])
    expect(disposition).toBe('started')
    const [own = ''] = runs.filter((id) => id !== waiting)
    expect(await namesFor(waiting)).toEqual(['change.reviewed'])
    expect(await namesFor(own)).toEqual([])
    expect(await linksOf(waiting)).toEqual(['signalled', 'started'])
  })

  it('do not come for a run that has ended, that waits for something else, or elsewhere: the reason is on record', async () => {
    const id = await withChange(61)
    const reason = 'No workflow is started by checks.completed, and no live run waits for it.'
    const elsewhere = await receive([{ ...checks(61), repository: 'acme/other' }])
    const unwanted = await receive([eventOf({ name: 'change.merged', subject: change(61), fields: {} })])
    await database.db.transaction().execute((tx) => finishRun(tx, id, 'done', null))
    const late = await receive([checks(61)])
    expect([elsewhere, late].map((one) => [one.disposition, one.reason])).toEqual([
      ['ignored', reason],
      ['ignored', reason],
    ])
    expect(unwanted.disposition).toBe('ignored')
    expect(await namesFor(id)).toEqual([])
  })

  it('whoever asks while a run is being stopped has joined it late, and whoever asked before has not', async () => {
    const subject = { kind: 'issue' as const, key: String(++made), url: '' }
    const first = await receive([eventOf({ subject })])
    await receive([eventOf({ subject, revision: 'before' })])
    await requestStop(database.db, first.runs[0] ?? '', 'alice')
    expect(await receive([eventOf({ subject, revision: 'after' })])).toMatchObject({
      disposition: 'joined',
      runs: first.runs,
    })
    const { rows } = await database.query(
      `select event->>'revision' as revision, late from delivery_runs where run_id = $1 and role = 'joined' order by late`,
      [first.runs[0]],
    )
    expect(rows).toEqual([
      { revision: 'before', late: false },
      { revision: 'after', late: true },
    ])
  })
})

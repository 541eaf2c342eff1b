import { sql } from 'kysely'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { JourneymanError } from '../../src/domain/errors.ts'
import type { JobData, Queue } from '../../src/queue/contract.ts'
import { createTell } from '../../src/queue/jobs/tell.ts'
import { appendAudit } from '../../src/store/audit.ts'
import { describeOnEachDatabase, type TestDatabase } from '../databases.ts'
import { type Commands, openCommands } from './commands.fixture.ts'

describeOnEachDatabase('commands that are done twice, or late', (open) => {
  let database: TestDatabase
  let at: Commands
  beforeAll(async () => {
    database = await open()
  })
  beforeEach(async () => {
    at = await openCommands(database)
  })

  it('a retry and a stop whose jobs are done again do nothing to what came since', async () => {
    const id = await at.run({ state: 'failed' })
    const retry = await at.comment('retry')
    await retry.obey()
    await retry.obey()
    expect(at.retried).toEqual([[id, null]])
    await sql`update workflow_executions set state = 'parked' where id = ${id}`.execute(database.db)
    const stop = await at.comment('stop')
    await stop.obey()
    await sql`update workflow_executions set state = 'stopped' where id = ${id}`.execute(database.db)
    const later = await at.run()
    await stop.obey()
    expect(at.jobs.map(([, { runId }]) => runId)).not.toContain(later)
    await at.giveAnswers()
    expect([at.bodies(), at.tracker.reactions.size]).toEqual([[], 1])
  })

  it('what a command has come to stands, where it had nothing to do too', async () => {
    const stop = await at.comment('stop')
    await stop.obey()
    const id = await at.run()
    await stop.obey()
    expect(at.jobs).toEqual([])
    const [retry, yes, stranger] = [
      await at.comment('retry'),
      await at.comment('approve'),
      await at.comment('approve', 'bob'),
    ]
    for (const { obey } of [retry, yes, stranger]) await obey()
    await at.ask(id, 'plan_approval', { requested_at: sql`now() - interval '1 minute'` })
    at.host.permissions.set('bob', { id: '2', permission: 'write' })
    for (const { obey } of [yes, stranger]) await obey()
    expect(await at.stateOf(id)).toBe('waiting')
    await sql`update workflow_executions set state = 'failed' where id = ${id}`.execute(database.db)
    await retry.obey()
    expect(at.retried).toEqual([])
    await at.giveAnswers()
    expect(at.bodies()).toEqual([
      expect.stringContaining('The run here is under way.'),
      expect.stringContaining('Nothing waits for an answer here.'),
    ])
  })

  it('two that are at the same command at the same time do it once, and neither says that it is done already', async () => {
    const id = await at.run()
    await at.ask(id)
    const { obey } = await at.comment('approve')
    const gates: (() => void)[] = []
    const slow = {
      ...at.host.plugin,
      getPermission: async (...args: Parameters<typeof at.host.plugin.getPermission>) => {
        await new Promise<void>((resolve) => {
          gates.push(resolve)
          if (gates.length === 2) for (const open of gates) open()
        })
        return at.host.plugin.getPermission(...args)
      },
    }
    await Promise.all([obey({ versionControl: slow }), obey({ versionControl: slow })])
    await at.giveAnswers()
    expect([await at.stateOf(id), at.bodies()]).toEqual(['approved', []])
  })

  it('one comment that is delivered twice is one command', async () => {
    const id = await at.run()
    await at.ask(id)
    const { event, obey } = await at.comment('approve')
    const twin = await at.comment('approve', 'octocat', { revision: event.revision, fields: event.fields })
    await obey()
    await twin.obey()
    await at.giveAnswers()
    expect([await at.stateOf(id), at.bodies()]).toEqual(['approved', []])
  })

  const hourAgo = () => new Date(Date.now() - 3_600_000).toISOString()
  const stopsOf = () => at.jobs.filter(([lane]) => lane === 'advance-run').map(([, { runId }]) => runId)

  it('a stop that is obeyed late, or comes late, ends what it was said to, and nothing that came since', async () => {
    const id = await at.run()
    const late = await at.comment('stop')
    await at.run({ created_at: sql`now() + interval '1 second'` })
    await late.obey()
    expect(stopsOf()).toEqual([id])
    const missed = await at.comment('stop')
    missed.event.fields['said_at'] = hourAgo()
    await missed.obey()
    expect(stopsOf()).toEqual([id])
  })

  it('a stop that was missed ends what was asked for before it, though that was missed too', async () => {
    const labelled = { name: 'issue.labeled', revision: new Date(Date.now() - 3_700_000).toISOString(), fields: {} }
    const id = await at.run({ event: JSON.stringify(labelled) })
    const missed = await at.comment('stop')
    missed.event.fields['said_at'] = hourAgo()
    await missed.obey()
    expect(stopsOf()).toEqual([id])
  })

  it('a stop that is obeyed late leaves alone what was tried again since', async () => {
    const [again, other] = [await at.run(), await at.run()]
    const before = { actor: 'operator:al', action: 'run.retried', runId: other, detail: {} }
    await database.db.transaction().execute((tx) => appendAudit(tx, before))
    const stop = await at.comment('stop')
    await database.db.transaction().execute((tx) => appendAudit(tx, { ...before, runId: again }))
    // The audit's clock has milliseconds, in which all of this may have happened.
    await sql`update audit_log set at = at + interval '1 hour' where run_id = ${again}`.execute(database.db)
    await stop.obey()
    expect(stopsOf()).toEqual([other])
  })

  it('who asks for the same after a stop that is not obeyed yet comes after it', async () => {
    const id = await at.run()
    const [before, stop, since] = [await at.comment('run'), await at.comment('stop'), await at.comment('run')]
    const links = [before, since].map(({ id: delivery, event }) => ({ delivery, event: JSON.stringify(event) }))
    for (const link of links) {
      const row = { ...link, run_id: id, role: 'joined' as const, late: false }
      await database.db.insertInto('delivery_runs').values(row).execute()
    }
    // The embedded database's clock has milliseconds, in which all of this may have happened.
    for (const [{ id: delivery }, by] of [[before, -1] as const, [since, 1] as const]) {
      const received_at = sql<Date>`received_at + make_interval(secs => ${by}::float)`
      await database.db.updateTable('deliveries').set({ received_at }).where('id', '=', delivery).execute()
    }
    await stop.obey()
    const rows = await database.db.selectFrom('delivery_runs').selectAll().where('run_id', '=', id).execute()
    expect(rows.filter(({ late }) => late).map(({ delivery }) => delivery)).toEqual([since.id])
  })

  it('who asks for the same after a stop that was missed comes after it, though both came before it was asked for again', async () => {
    const id = await at.run({ created_at: sql`now() - interval '2 hours'` })
    const [before, since] = [await at.comment('run'), await at.comment('run')]
    for (const [{ id: delivery, event }, minutes] of [[before, 70] as const, [since, 50] as const]) {
      const received_at = sql<Date>`now() - make_interval(mins => ${minutes}::int)`
      await database.db.updateTable('deliveries').set({ received_at }).where('id', '=', delivery).execute()
      const row = { delivery, event: JSON.stringify(event), run_id: id, role: 'joined' as const, late: false }
      await database.db.insertInto('delivery_runs').values(row).execute()
    }
    const missed = await at.comment('stop')
    missed.event.fields['said_at'] = hourAgo()
    await missed.obey()
    expect(stopsOf()).toEqual([id])
    const rows = await database.db.selectFrom('delivery_runs').selectAll().where('run_id', '=', id).execute()
    expect(rows.filter(({ late }) => late).map(({ delivery }) => delivery)).toEqual([since.id])
  })

  it('a retry is for the end that was there when it was said', async () => {
    await at.run({ state: 'failed', finished_at: sql`now() + interval '1 hour'` })
    await at.say('retry')
    expect(at.retried).toEqual([])
    expect(at.bodies()).toEqual([expect.stringContaining('The run here has ended only after this was said.')])
    const id = await at.run({ state: 'failed', finished_at: sql`now()` })
    const missed = await at.comment('retry')
    missed.event.fields['said_at'] = hourAgo()
    await missed.obey()
    expect(at.retried).toEqual([])
    await at.say('retry')
    expect(at.retried).toEqual([[id, null]])
  })

  it('a yes that was missed is none to a question that another run has asked since', async () => {
    const id = await at.run()
    await at.ask(id, 'plan_approval', { requested_at: sql`now() - interval '10 minutes'` })
    const missed = await at.comment('approve')
    missed.event.fields['said_at'] = hourAgo()
    await missed.obey()
    await at.giveAnswers()
    expect(await at.stateOf(id)).toBe('waiting')
    const seen = await at.comment('approve')
    seen.event.fields['said_at'] = new Date(Date.now() - 300_000).toISOString()
    await seen.obey()
    expect(await at.stateOf(id)).toBe('approved')
  })

  it('a command outlasts an outage of the host that is longer than the patience of the queue, and is given up in the end', async () => {
    const id = await at.run()
    await at.ask(id)
    const { event, id: delivery, obey } = await at.comment('approve')
    const later: { data: JobData; afterSeconds: number | undefined }[] = []
    const queue = {
      enqueue: async (_lane: string, data: JobData, { afterSeconds }: { afterSeconds?: number } = {}) =>
        void later.push({ data, afterSeconds }),
    } as Queue
    const away = async (): Promise<never> => {
      throw new JourneymanError('unavailable', 'No answer.', { retryAfterMs: 30_000 })
    }
    let isAway = true
    const verb = async () => 'gone'
    const versionControl = { ...at.host.plugin, getPermission: away }
    const work = createTell(queue, 'acknowledge', { verb, obey: () => obey(isAway ? { versionControl } : {}) })
    await work({ command: event, delivery })
    for (let round = 0; round < 9; round++) await work(later.at(-1)?.data ?? {})
    expect(later.map(({ afterSeconds }) => afterSeconds)).toEqual([30, 30, 30, 30, 32, 64, 128, 256, 300, 300])
    await expect(work({ command: event, delivery, tried: 300 })).rejects.toThrow('No answer.')
    isAway = false
    await work(later.at(-1)?.data ?? {})
    expect([await at.stateOf(id), later.length]).toEqual(['approved', 10])
  })

  it('an answer that the host refuses for good, as on a locked ticket, is done without and not tried again', async () => {
    at.tracker.plugin.addComment = async () => {
      throw new JourneymanError('forbidden', 'The ticket is locked.')
    }
    await at.say('help')
    expect(at.bodies()).toEqual([])
  })
})

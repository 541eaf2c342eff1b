import { sql } from 'kysely'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { JourneymanError } from '../../src/domain/errors.ts'
import type { Queue } from '../../src/queue/contract.ts'
import { createReap } from '../../src/queue/jobs/reap.ts'
import { createTell } from '../../src/queue/jobs/tell.ts'
import { createAcknowledge } from '../../src/report/acknowledge.ts'
import { createReporter, type ReporterParts } from '../../src/report/reporter.ts'
import { runsToReport } from '../../src/store/reaping.ts'
import { takeReportLease } from '../../src/store/reporting.ts'
import { createEffectLedger } from '../../src/workflow/effect-ledger.ts'
import { describeOnEachDatabase, type TestDatabase } from '../databases.ts'
import { type MemoryTasks, memoryTasks } from '../fakes/memory-tasks.ts'
import { type MemoryHost, memoryHost } from '../fakes/memory-version-control.ts'
import { reporterParts } from '../fakes/reporter-parts.ts'
import { insertTestRun } from '../rows.ts'

const change = { number: 7, url: 'https://code.test/7', title: 'T', branch: 'b', headSha: 'c'.repeat(40), files: 1 }
const gone = async (): Promise<never> => {
  throw new JourneymanError('not_found', 'It is gone.')
}
const away = async (): Promise<never> => {
  throw new JourneymanError('unavailable', 'No answer.')
}

describeOnEachDatabase('telling people of a run', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  let host: MemoryHost
  let tracker: MemoryTasks
  let jobs: [string, string | undefined][]
  let logged: string[]
  const queue = {
    enqueue: async (lane: string, data: { runId?: string }) => void jobs.push([lane, data.runId]),
    enqueueAll: async (lane: string, all: { runId?: string }[]) =>
      void jobs.push(...all.map((data): [string, string | undefined] => [lane, data.runId])),
  } as Queue

  beforeEach(async () => {
    // What other tests have left is about something else.
    const left = sql`state = 'done', subject = 'issue/0', report_dirty = false, report_until = null`
    await sql`update workflow_executions set ${left}`.execute(database.db)
    host = memoryHost()
    host.permissions.set('octocat', { id: '1', permission: 'write' })
    tracker = memoryTasks()
    await tracker.plugin.createTask(
      { repository: 'acme/shop', installation: null },
      { title: 'T', description: 'Please.', labels: ['ai'] },
    )
    jobs = []
    logged = []
  })

  const partsWith = (parts: Partial<ReporterParts> = {}): ReporterParts =>
    reporterParts(
      database,
      { host, tracker },
      {
        planOf: async () => [
          { name: 'one', description: 'Do the one thing', kind: 'system', event: null, branch: null, steps: [] },
        ],
        log: (level, message, data) => void logged.push(`${level} ${message} ${JSON.stringify(data)}`),
        ...parts,
      },
    )
  const report = (runId: string, parts?: Partial<ReporterParts>) => createReporter(partsWith(parts))(runId)
  const acknowledge = (runId: string, parts?: Partial<ReporterParts>) =>
    createAcknowledge({
      ...partsWith(parts),
      trustedBots: () => [],
      visibleText: (text) => text,
      askAgain: async (_tx, id) => void jobs.push(['acknowledge', id]),
      admit: async (_tx, id) => void jobs.push(['advance-run', id]),
      audit: async () => undefined,
    })(runId)
  const reap = () => createReap({ database, queue, reportEverySeconds: () => 0 })()

  const runIn = async (columns: Record<string, unknown>): Promise<string> => {
    const { runId } = await insertTestRun(database.db)
    await database.db
      .updateTable('workflow_executions')
      .set({ lease_owner: null, event: JSON.stringify({ fields: {} }), ...columns })
      .where('id', '=', runId)
      .execute()
    return runId
  }
  const queued = () => runIn({ state: 'queued' })
  const ended = (columns: Record<string, unknown> = {}) =>
    runIn({
      state: 'failed',
      acknowledged_at: new Date(),
      finished_at: new Date(),
      failure: JSON.stringify({ code: 'timeout', message: 'Too slow.' }),
      ...columns,
    })
  const row = (id: string) =>
    database.db.selectFrom('workflow_executions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const later = (id: string) =>
    sql`update workflow_executions set report_after = now() - interval '1 second' where id = ${id}`.execute(database.db)

  it('lets a run in with one comment and the eyes, also when it is asked twice at once', async () => {
    const id = await queued()
    // The second finds the first at it, or that it has been done.
    const both = await Promise.all([acknowledge(id), acknowledge(id)])
    expect(both).toContain('done')
    expect(['busy', 'done']).toEqual(expect.arrayContaining(both))
    expect(await acknowledge(id)).toBe('done')
    expect(tracker.comments).toHaveLength(1)
    expect(tracker.reactions.size).toBe(1)
    expect(jobs).toEqual([['advance-run', id]])
  })

  it('lets it in without the eyes where there are none to be had', async () => {
    const id = await queued()
    expect(await acknowledge(id, { taskManagement: { ...tracker.plugin, addReaction: gone } })).toBe('done')
    expect((await row(id)).acknowledged_at).not.toBeNull()
    expect(logged.join()).toContain('a part of a report was refused')
  })

  it('ends a run at once whose repository is closed to us, and says why in its row', async () => {
    const id = await queued()
    expect(await acknowledge(id, { versionControl: { ...host.plugin, getPermission: gone } })).toBe('done')
    expect(await row(id)).toMatchObject({
      state: 'failed',
      failure: { code: 'not_found' },
      report_dirty: false,
      report_until: null,
    })
    await reap()
    expect(jobs).toEqual([])
  })

  it('asks again after a while that grows, when the code host does not answer, and not in between', async () => {
    const id = await queued()
    await sql`update workflow_executions set created_at = now() - interval '10 minutes' where id = ${id}`.execute(
      database.db,
    )
    expect(await acknowledge(id, { versionControl: { ...host.plugin, getPermission: away } })).toBe('failed')
    await reap()
    expect(jobs).toEqual([])
    const { report_after } = await row(id)
    expect((report_after?.getTime() ?? 0) - Date.now()).toBeGreaterThan(60_000)
    await later(id)
    await reap()
    expect(jobs).toEqual([['acknowledge', id]])
    expect(await acknowledge(id)).toBe('done')
    expect((await row(id)).report_after).toBeNull()
  })

  it('gives a run up that could not be let in for an hour, and tells of it only where it has shown itself', async () => {
    const silent = await queued()
    const shown = await queued()
    const effects = createEffectLedger(database)
    await acknowledge(shown, {
      effects: {
        ...effects,
        set: async (guard, effect) => (effect.key === 'reaction.eyes' ? away() : effects.set(guard, effect)),
      },
    })
    expect(tracker.comments).toHaveLength(1)
    await sql`update workflow_executions set created_at = now() - interval '2 hours' where id in (${silent}, ${shown})`.execute(
      database.db,
    )
    await reap()
    expect([(await row(silent)).state, (await row(shown)).state]).toEqual(['failed', 'failed'])
    expect(jobs).toEqual([['report', shown]])
    expect(await report(shown)).toBe('told')
    expect(tracker.comments[0]?.body).toMatch(/^\*\*Failed\*\*/)
  })

  it('refuses whoever may not, once, and leaves nothing to be told', async () => {
    host.permissions.set('octocat', { id: '1', permission: 'read' })
    for (const id of [await queued(), await queued()]) {
      await acknowledge(id)
      expect(await row(id)).toMatchObject({ state: 'refused', report_dirty: false })
    }
    expect(tracker.comments).toHaveLength(1)
    expect(await runsToReport(database.db, 0, 30)).toEqual([])
  })

  it('does not tell of it either where the job is done again', async () => {
    host.permissions.set('octocat', { id: '1', permission: 'read' })
    const refused = await queued()
    const closed = await queued()
    for (const _ of [1, 2]) {
      await acknowledge(refused)
      await acknowledge(closed, { versionControl: { ...host.plugin, getPermission: gone } })
    }
    expect(await runsToReport(database.db, 0, 30)).toEqual([])
  })

  it('whoever was asleep ends nothing that another has let in meanwhile, and lets in nothing that has ended', async () => {
    host.permissions.set('octocat', { id: '1', permission: 'read' })
    await acknowledge(await queued())
    // So long that it is not renewed under way: it has lapsed when we say so.
    const leaseSeconds = () => 3_600
    const asleep = (until: Promise<unknown>, then: () => Promise<'read'>) => ({
      leaseSeconds,
      versionControl: {
        ...host.plugin,
        getPermission: async (...asked: Parameters<typeof host.plugin.getPermission>) => {
          const permission = await host.plugin.getPermission(...asked)
          await until
          return permission === 'read' ? then() : permission
        },
      },
    })
    const another = async (id: string, permission: 'read' | 'write') => {
      await sql`update workflow_executions set report_until = now() - interval '1 second' where id = ${id}`.execute(
        database.db,
      )
      host.permissions.set('octocat', { id: '1', permission })
      expect(await acknowledge(id)).toBe('done')
    }
    for (const then of [async () => 'read' as const, gone]) {
      host.permissions.set('octocat', { id: '1', permission: 'read' })
      const id = await queued()
      const woken = Promise.withResolvers<void>()
      const first = acknowledge(id, asleep(woken.promise, then))
      await expect.poll(async () => (await row(id)).report_epoch).toBe(1)
      await another(id, 'write')
      woken.resolve()
      expect([await first, (await row(id)).state]).toEqual(['busy', 'queued'])
    }
    const id = await queued()
    const woken = Promise.withResolvers<void>()
    const effects = createEffectLedger(database)
    const late = { ...effects, set: async () => woken.promise.then(() => ({ sent: false })) }
    const first = acknowledge(id, { leaseSeconds, effects: late as typeof effects })
    await expect.poll(() => tracker.comments.some(({ body }) => body.includes(id))).toBe(true)
    await another(id, 'read')
    woken.resolve()
    expect([await first, (await row(id)).acknowledged_at]).toEqual(['busy', null])
  })

  it('does without what the host refuses for good, and tells the rest', async () => {
    const id = await ended({ links: JSON.stringify({ change }) })
    await report(id)
    await sql`update workflow_executions set report_dirty = true, state = 'done', failure = null where id = ${id}`.execute(
      database.db,
    )
    const refusing = {
      taskManagement: { ...tracker.plugin, updateComment: gone },
      versionControl: { ...host.plugin, updateCheckRun: gone },
    }
    expect(await report(id, refusing)).toBe('told')
    expect(tracker.tasks.get('1')?.labels).toEqual(['ai:review'])
    expect(await runsToReport(database.db, 0, 30)).toEqual([])
  })

  it('leaves the labels to a later run of the same, whose state is the ticket’s', async () => {
    const subject = 'issue/1'
    const before = await ended({ subject, created_at: sql`now() - interval '1 minute'` })
    const after = await runIn({ state: 'running', subject, acknowledged_at: new Date() })
    await sql`insert into step_executions (run_id, address, name, kind, ordinal, state, epoch)
      values (${after}, '@start', '@start', 'system', 0, 'done', 1)`.execute(database.db)
    await report(after)
    await report(before)
    expect(tracker.tasks.get('1')?.labels).toEqual(['ai:working'])
    expect(tracker.comments.map(({ body }) => body.split(' · ')[0])).toEqual(['**Working on it**', '**Failed**'])
  })

  it('takes them back where it was tried again, and has ended after the later one', async () => {
    const created_at = sql`now() - interval '1 hour'`
    const earlier = await ended({ subject: 'issue/1', created_at })
    const later = await ended({ subject: 'issue/1', state: 'done', finished_at: sql`now() - interval '1 minute'` })
    await report(earlier)
    expect(tracker.tasks.get('1')?.labels).toEqual(['ai:failed'])
    await report(later)
    expect(tracker.tasks.get('1')?.labels).toEqual(['ai:failed'])
  })

  it('has them where a later one was never let in: that one sets none', async () => {
    const before = await ended({ subject: 'issue/1', finished_at: sql`now() - interval '1 minute'` })
    await ended({ subject: 'issue/1', acknowledged_at: null })
    await runIn({ state: 'queued', subject: 'issue/1' })
    await report(before)
    expect(tracker.tasks.get('1')?.labels).toEqual(['ai:failed'])
  })

  it('tells nobody of a run that is about no issue and no change, and lets it in', async () => {
    const event = JSON.stringify({ provider: 'operator', fields: {} })
    const id = await runIn({ state: 'queued', subject: 'request/x', event, links: JSON.stringify({ change }) })
    expect(await acknowledge(id)).toBe('done')
    expect(jobs).toEqual([['advance-run', id]])
    expect(await report(id)).toBe('told')
    expect([tracker.comments, tracker.reactions.size, host.checks.size]).toEqual([[], 0, 0])
    expect(await runsToReport(database.db, 0, 30)).toEqual([])
  })

  it('stops trying to tell of an ended run what nobody can be told any more', async () => {
    const id = await ended()
    expect(await report(id, { taskManagement: { ...tracker.plugin, addComment: gone, findComment: gone } })).toBe(
      'failed',
    )
    expect(await row(id)).toMatchObject({ report_dirty: false, report_until: null })
    expect(logged.join()).toContain('people could not be told')
  })

  it('goes on trying for a day after the end, when the host does not answer', async () => {
    const id = await ended()
    const broken = { taskManagement: { ...tracker.plugin, addComment: away, findComment: away } }
    expect(await report(id, broken)).toBe('failed')
    expect(await runsToReport(database.db, 0, 30)).toEqual([])
    await later(id)
    expect(await runsToReport(database.db, 0, 30)).toEqual([id])
    await sql`update workflow_executions set finished_at = now() - interval '25 hours' where id = ${id}`.execute(
      database.db,
    )
    await report(id, broken)
    await later(id)
    expect(await runsToReport(database.db, 0, 30)).toEqual([])
  })

  it('takes away what a process that was killed had in the air, and nobody could know of', async () => {
    const id = await queued()
    await acknowledge(id)
    const [ours] = tracker.comments
    // It arrives after the next process has looked and written its own: an older twin, and a newer one.
    const late = { ...(ours as (typeof tracker.comments)[number]) }
    tracker.comments.unshift({ ...late, id: 'older' })
    tracker.comments.push({ ...late, id: 'newer' })
    await database.query(
      `update workflow_executions set state = 'failed', finished_at = now(), report_dirty = true where id = $1`,
      [id],
    )
    expect(await report(id)).toBe('told')
    expect(tracker.comments.map((comment) => comment.id)).toEqual([ours?.id])
  })

  it('finds what a process was telling when it was killed', async () => {
    const id = await ended()
    await takeReportLease(database.db, id, 5)
    expect(await runsToReport(database.db, 0, 30)).toEqual([])
    await sql`update workflow_executions set report_until = now() - interval '1 second' where id = ${id}`.execute(
      database.db,
    )
    expect(await runsToReport(database.db, 0, 30)).toEqual([id])
  })

  it('gives what is to be told one job, however long that waits, and another where it must be lost', async () => {
    const changed = await ended({ report_dirty: true })
    const cutShort = await ended({
      report_dirty: false,
      report_until: sql`now() - interval '1 second'`,
      report_after: sql`now() + interval '20 seconds'`,
    })
    for (let round = 0; round < 3; round++) await reap()
    expect(jobs.sort()).toEqual([changed, cutShort].sort().map((id) => ['report', id]))
    await later(changed)
    await reap()
    expect(jobs).toHaveLength(3)
    expect(jobs.at(-1)).toEqual(['report', changed])
    expect(await report(changed)).toBe('told')
    expect((await row(changed)).report_after).toBeNull()
  })

  it('comes back where another process is telling, and leaves a failure to the reaper', async () => {
    const outcomes = ['busy', 'failed', 'told']
    const handler = createTell(queue, 'report', { verb: async () => outcomes.shift() ?? '' })
    for (let round = 0; round < 3; round++) await handler({ runId: 'run_1' })
    await handler({})
    expect(jobs).toEqual([['report', 'run_1']])
  })
})

import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import type { Database } from '../store/database.ts'
import type { Queue } from './contract.ts'
import { createQueue } from './queue.ts'

const startQueue = async (database: Database, options: Parameters<typeof createQueue>[1] = {}): Promise<Queue> => {
  const queue = createQueue(database, options)
  await queue.start()
  onTestFinished(() => queue.stop({ graceMs: 5_000 }))
  return queue
}

/** Collects what a lane's handler was given, and resolves once that many have come. */
const collector = (count: number) => {
  const runIds: string[] = []
  const done = Promise.withResolvers<string[]>()
  return {
    runIds,
    done: done.promise,
    handler: async (data: { runId?: string }): Promise<void> => {
      runIds.push(data.runId ?? '')
      if (runIds.length === count) done.resolve(runIds)
    },
  }
}

describeOnEachDatabase('the queue', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  beforeEach(async () => {
    await database.query('truncate pgboss.job')
  })

  test('a start sets a lane back that is not as it should be, and leaves the others alone', async () => {
    await startQueue(database)
    const lanesNow = async () =>
      (await database.query('select name, retry_limit, dead_letter, updated_on from pgboss.queue order by name')).rows
    const before = await lanesNow()
    await database.query("update pgboss.queue set retry_limit = 1 where name = 'report'")
    const queue = await startQueue(database)
    const set = (rows: Record<string, unknown>[]) => rows.map(({ updated_on, ...row }) => row)
    const others = (rows: Record<string, unknown>[]) => rows.filter(({ name }) => name !== 'report')
    expect(set(await lanesNow())).toEqual(set(before))
    expect(others(await lanesNow())).toEqual(others(before))
    await database.db.transaction().execute((tx) => queue.enqueue('report', { runId: 'run_1' }, { tx }))
  })

  test('a job exists if and only if its transaction commits', async () => {
    const queue = await startQueue(database)
    const failing = database.db.transaction().execute(async (tx) => {
      await queue.enqueue('acknowledge', { runId: 'rolled back' }, { tx })
      await queue.enqueueAll('acknowledge', [{ runId: 'rolled back too' }], { tx })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await database.db.transaction().execute((tx) => queue.enqueue('acknowledge', { runId: 'committed' }, { tx }))
    await queue.enqueue('acknowledge', { runId: 'alone' })
    const seen = collector(2)
    await queue.work('acknowledge', 2, seen.handler)
    expect((await seen.done).sort()).toEqual(['alone', 'committed'])
  })

  test('a backlog of 200 is drained, each job once, with as many at a time as allowed', async () => {
    const queue = await startQueue(database)
    const jobs = Array.from({ length: 200 }, (_, n) => ({ runId: `run ${n}` }))
    await queue.enqueueAll('report', jobs)
    const seen = collector(200)
    let running = 0
    let most = 0
    await queue.work('report', 4, async (data) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 1))
      running--
      await seen.handler(data)
    })
    expect(new Set(await seen.done).size).toBe(200)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(4)
    expect(seen.runIds).toHaveLength(200)
  })

  test('a job that comes while one worker is busy goes to one that is free', async () => {
    const queue = await startQueue(database)
    const busy = Promise.withResolvers<void>()
    const quick = collector(3)
    await queue.work('advance-run', 2, async (data) => {
      if (data.runId === 'long') return busy.promise
      await quick.handler(data)
    })
    await queue.enqueue('advance-run', { runId: 'long' })
    for (const runId of ['a', 'b', 'c']) await queue.enqueue('advance-run', { runId })
    expect((await quick.done).sort()).toEqual(['a', 'b', 'c'])
    busy.resolve()
  })

  test('a delayed job comes when it is due, not before', async () => {
    const queue = await startQueue(database)
    const seen = collector(2)
    await queue.work('report', 2, seen.handler)
    await queue.enqueue('report', { runId: 'later' }, { afterSeconds: 1 })
    await queue.enqueue('report', { runId: 'now' })
    expect(await seen.done).toEqual(['now', 'later'])
  })

  test('a handler that fails is tried again', async () => {
    const queue = await startQueue(database)
    const seen = collector(2)
    await queue.work('report', 1, async (data) => {
      await seen.handler(data)
      if (seen.runIds.length === 1) throw new Error('the first time')
    })
    await queue.enqueue('report', { runId: 'again' })
    expect(await seen.done).toEqual(['again', 'again'])
    expect(await queue.dead()).toEqual([])
  })

  test('a job whose retries are used up is among the dead, with its lane, and was told of in the log', async () => {
    const logged: unknown[] = []
    const queue = await startQueue(database, { log: (...said) => void logged.push(said) })
    await queue.enqueue('reconcile', { runId: 'poison' })
    // As if it had failed before: waiting for the back-off of five tries takes half a minute.
    await database.query(`update pgboss.job set retry_limit = 0 where name = 'reconcile'`)
    await queue.work('reconcile', 1, async () => {
      throw new Error('every time')
    })
    await expect
      .poll(() => queue.dead(), { timeout: 10_000 })
      .toEqual([{ lane: 'reconcile', data: { runId: 'poison' }, failedAt: expect.any(Date) }])
    const failure = { code: 'internal', message: 'every time' }
    expect(logged).toContainEqual(['warn', 'queue: a job failed', { lane: 'reconcile', run: 'poison', failure }])
  })

  test('a process that only enqueues reaches one that works', async () => {
    const web = await startQueue(database)
    const worker = await startQueue(database)
    const seen = collector(1)
    await worker.work('acknowledge', 1, seen.handler)
    await web.enqueue('acknowledge', { runId: 'from the web' })
    expect(await seen.done).toEqual(['from the web'])
  })

  test('what is called every so often runs on one process at a time', async () => {
    const queues = [await startQueue(database), await startQueue(database), await startQueue(database)]
    const enough = Promise.withResolvers<void>()
    let running = 0
    let most = 0
    let calls = 0
    for (const queue of queues) {
      await queue.work('reap', 1, async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setTimeout(resolve, 250))
        running--
        if (++calls === 4) enough.resolve()
      })
      await queue.every('reap', 0.1)
    }
    await enough.promise
    expect(most).toBe(1)
  })

  test('stopping lets running jobs finish, takes no new ones and gives back what is not done in time', async () => {
    const queue = await startQueue(database)
    const started = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<void>()
    let finished = false
    await queue.work('report', 1, async () => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      finished = true
    })
    await queue.work('advance-run', 1, async (_data, signal) => {
      signal.addEventListener('abort', () => aborted.resolve())
      started.resolve()
      await new Promise(() => undefined)
    })
    await queue.enqueue('report', { runId: 'short' })
    await queue.enqueue('advance-run', { runId: 'endless' })
    await started.promise
    await queue.stop({ graceMs: 1_000 })
    await aborted.promise
    expect(finished).toBe(true)
    const { rows } = await database.query(
      `select name, state from pgboss.job where name in ('report', 'advance-run') order by name`,
    )
    expect(rows).toEqual([
      { name: 'advance-run', state: 'retry' },
      { name: 'report', state: 'completed' },
    ])
  })

  test.skipIf(kind === 'pglite')('goes on after its connections were cut', async () => {
    const queue = await startQueue(database)
    const seen = collector(2)
    await queue.work('report', 2, seen.handler)
    await queue.enqueue('report', { runId: 'before' })
    await database.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`)
    await expect
      .poll(() =>
        queue.enqueue('report', { runId: 'after' }).then(
          () => 'stored',
          () => 'not yet',
        ),
      )
      .toBe('stored')
    expect((await seen.done).sort()).toEqual(['after', 'before'])
  })
})

import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'kysely'
import { beforeAll, expect, it } from 'vitest'
import { breakableDatabase } from '../../../test/breakable-database.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { requeueLapsed } from '../../store/reaping.ts'
import { type EngineOptions, type EngineUnderTest, engineUnderTest, workflowOf } from './testing/engine-under-test.ts'

describeOnEachDatabase('the end of a run', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const engineWith = async (steps: string, options: EngineOptions = {}, rest = '') => {
    const engine = await engineUnderTest(database, options)
    return { engine, id: await engine.queueRun(workflowOf(steps, rest)) }
  }
  const begin =
    '\n  - { name: start_work, plugin: task_management, action: update_task_status, inputs: { status: in_progress } }'
  const parks = `${begin}\n  - { name: later, type: run, command: later, on_error: retry, retry_count: 1 }`
  const later = async () => {
    throw new JourneymanError('unavailable', 'Not now.', { retryAfterMs: 40_000 })
  }

  const begun = (engine: EngineUnderTest, id: string) =>
    expect.poll(async () => (await engine.steps(id))['one']?.state, { timeout: 10_000 }).toBe('running')

  it('comes before the beginning when it was stopped before', async () => {
    const { engine, id } = await engineWith(begin)
    await engine.stop(id)
    await engine.advance(id)
    expect(await engine.run(id)).toMatchObject({
      state: 'stopped',
      failure: { message: 'Stopped by alice before it began.' },
    })
    expect(await engine.steps(id)).toEqual({})
  })

  it('puts the ticket back where it was, whatever the step was called that moved it, when it is stopped while it waits', async () => {
    const { engine, id } = await engineWith(
      parks,
      { commands: { later } },
      'post_execution: { always: [ { action: cleanup } ] }\n',
    )
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('parked')
    expect(engine.tracker.tasks.get('1')?.status).toBe('in_progress')
    await engine.stop(id)
    await engine.advance(id)
    expect(await engine.run(id)).toMatchObject({ state: 'stopped', failure: { message: 'Stopped by alice.' } })
    expect(engine.tracker.tasks.get('1')?.status).toBe('todo')
    expect([...engine.workspaces.trees.keys()]).toEqual([])
  })

  it('is obeyed also while the code host does not answer for what the run is about', async () => {
    const { engine, id } = await engineWith(begin)
    const away = async (): Promise<never> => {
      throw new JourneymanError('unavailable', 'No answer.')
    }
    const versionControl = { ...engine.host.plugin, getRepository: away }
    await engine.worker(database, 'one', { versionControl })(id, new AbortController().signal)
    expect((await engine.run(id)).state).toBe('parked')
    await engine.stop(id)
    await engine.worker(database, 'two', { versionControl })(id, new AbortController().signal)
    expect((await engine.run(id)).state).toBe('stopped')
  })

  it('is gone on with under the claim, however long what comes after it takes', async () => {
    const { engine, id } = await engineWith(
      '\n  - { name: one, type: run, command: hang }',
      { settings: { leaseSeconds: 3 } },
      'post_execution: { on_failure: [ { name: tidy, type: run, command: tidy } ] }\n',
    )
    const tidy = async () => {
      await wait(4_000)
      return { exitCode: 0, signal: null, timedOut: false, output: '', outputBytes: 0, durationMs: 1 }
    }
    const workspaces = {
      ...engine.workspaces,
      open: async (...given: Parameters<typeof engine.workspaces.open>) => {
        const workspace = await engine.workspaces.open(...given)
        return {
          ...workspace,
          run: (request: Parameters<typeof workspace.run>[0]) =>
            request.command === 'tidy' ? tidy() : workspace.run(request),
        }
      },
    }
    const working = engine.worker(database, 'one', { workspaces })(id, new AbortController().signal)
    await begun(engine, id)
    await engine.stop(id)
    const lapsed: string[] = []
    const reaping = (async () => {
      for (let round = 0; round < 40; round++) {
        await wait(100)
        lapsed.push(...(await database.db.transaction().execute((tx) => requeueLapsed(tx, 30))))
      }
    })()
    await Promise.all([working, reaping])
    expect(lapsed).toEqual([])
    expect((await engine.run(id)).state).toBe('stopped')
    expect((await engine.steps(id))['@on_failure/tidy']).toMatchObject({ state: 'done', attempts: 1 })
  })

  it('is left to another process at once when this one ends, and counts as no failed claim', async () => {
    const { engine, id } = await engineWith('\n  - { name: one, type: run, command: hang }')
    const leaving = new AbortController()
    const working = engine.advance(id, leaving.signal)
    await begun(engine, id)
    leaving.abort()
    await working
    expect(await engine.run(id)).toMatchObject({ state: 'queued', claims: 0 })
    expect(engine.jobs.at(-1)).toMatchObject({ lane: 'advance-run', runId: id })
    expect((await engine.steps(id))['one']).toMatchObject({ state: 'running', failure: null })
  })

  it('is written by nobody who has lost the claim', async () => {
    const { engine, id } = await engineWith(`${begin}\n  - { name: one, type: run, command: hang }`, {
      settings: { leaseSeconds: 3 },
    })
    const working = engine.advance(id)
    await begun(engine, id)
    await sql`update workflow_executions set epoch = epoch + 1, lease_owner = 'another', lease_until = now() + interval '1 minute'
      where id = ${id}`.execute(database.db)
    await working
    expect((await engine.run(id)).state).toBe('running')
    expect((await engine.steps(id))['one']).toMatchObject({ state: 'running' })
    expect(engine.tracker.tasks.get('1')?.status).toBe('in_progress')
    expect(engine.workspaces.openCount()).toBe(0)
  })

  it('is not brought about by a database that renews no lease: the run is given back', async () => {
    const { engine, id } = await engineWith('\n  - { name: one, type: run, command: hang }', {
      settings: { leaseSeconds: 0.3 },
    })
    let away = false
    const flickering = breakableDatabase(database, () => (away ? 'unsent' : 'through'))
    const working = engine.worker(flickering)(id, new AbortController().signal)
    await begun(engine, id)
    away = true
    await wait(600)
    away = false
    await working
    expect(await engine.run(id)).toMatchObject({ state: 'queued', claims: 0, failure: null })
  })

  it.each([
    ['comes when the time of the run is up', 0, 'failed'],
    ['does not come for the time in which the run waited', 7_200, 'parked'],
  ])('%s', async (_behaviour, waitedSeconds, state) => {
    const { engine, id } = await engineWith(parks, { commands: { later } })
    await engine.advance(id)
    await database.query(
      `update workflow_executions set started_at = now() - interval '2 hours',
        parked_at = now() - make_interval(secs => $2), wake_at = now() where id = $1`,
      [id, waitedSeconds],
    )
    const requeued = await database.db.transaction().execute((tx) => requeueLapsed(tx, 30))
    expect(requeued).toContain(id)
    await engine.advance(id)
    await expect.poll(async () => (await engine.run(id)).state).toBe(state)
    expect((await engine.run(id)).failure?.code).toBe(state === 'failed' ? 'limit_reached' : undefined)
  })

  it('comes when a run was claimed too often, and what its dead workers had reserved stays charged', async () => {
    const { engine, id } = await engineWith(begin, { settings: { maxClaims: 2 } })
    await database.query('update workflow_executions set claims = 2, epoch = 2 where id = $1', [id])
    await database.query(
      `insert into budgets (scope, key, cap, reserved) values ('run', $1, 100, 7) on conflict do nothing`,
      [id],
    )
    await database.query(
      `insert into cost_tracking (id, run_id, address, model, month, state, reserved) values ($1, $1, 'code', 'm', '2000-01', 'reserved', 7)`,
      [id],
    )
    await engine.advance(id)
    expect((await engine.run(id)).failure).toMatchObject({ code: 'limit_reached' })
    const { rows } = await database.query('select state, cost from cost_tracking where run_id = $1', [id])
    expect(rows).toEqual([{ state: 'forfeited', cost: 7 }])
  })

  it('comes when the conversations of a run have used up its tokens together', async () => {
    const turns = [async () => undefined]
    const ai = (name: string) =>
      `\n  - { name: ${name}, type: ai_action, agent: development, prompt_template: prompts/do.njk }`
    const { engine, id } = await engineWith(ai('one') + ai('two'), { turns })
    await database.query('update workflow_executions set token_cap = 20 where id = $1', [id])
    await engine.advance(id)
    expect(engine.paidTurns).toEqual(['one turn 0'])
    expect((await engine.run(id)).failure).toMatchObject({ code: 'limit_reached' })
  })
})

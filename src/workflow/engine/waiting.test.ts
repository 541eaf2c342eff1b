import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { JourneymanError } from '../../domain/errors.ts'
import type { Event } from '../../domain/event.ts'
import { decideApproval, getApproval } from '../../store/approvals.ts'
import { wakeRun } from '../../store/runs.ts'
import { addSignals, signalsOf } from '../../store/signals.ts'
import { type EngineUnderTest, engineUnderTest, type RunOptions, workflowOf } from './testing/engine-under-test.ts'

const asks = `
  - { name: plan, type: system, action: set, inputs: { plan: { summary: Do it } } }
  - { name: ask, type: approval, shows: "\${plan}", timeout: 86400, outputs: { approved: yes, decided_by: who } }
  - { name: after, type: system, action: set, inputs: { text: "\${yes} by \${who}" } }`

describeOnEachDatabase('what waits for people and events', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const begun = async (steps: string, more: RunOptions = {}) => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(workflowOf(steps), more)
    await engine.advance(id)
    return { engine, id }
  }
  const answer = (runId: string, verdict: 'approved' | 'rejected', shownHash?: string) =>
    database.db.transaction().execute((tx) =>
      decideApproval(tx, {
        runId,
        address: 'ask',
        verdict,
        by: 'github:bob',
        comment: 'fine',
        ...(shownHash !== undefined && { shownHash }),
      }),
    )
  const editTicket = (engine: EngineUnderTest) => {
    const [key, task] = [...engine.tracker.tasks].find(([, one]) => one.title === 'Add a login') ?? []
    if (key && task) engine.tracker.tasks.set(key, { ...task, description: 'Something else.' })
  }

  it('asks, holds nothing, and goes on by another worker when somebody has said yes', async () => {
    const { engine, id } = await begun(asks)
    expect(await engine.run(id)).toMatchObject({ state: 'parked', claims: 0 })
    expect(engine.workspaces.openCount()).toBe(0)
    expect(await getApproval(database.db, id, 'ask')).toMatchObject({
      state: 'waiting',
      shown: { summary: 'Do it' },
      approvers: ['role:write'],
    })
    expect(await answer(id, 'approved')).toBe(true)
    await engine.advance(id)
    expect(await engine.run(id)).toMatchObject({ state: 'done' })
    expect((await engine.steps(id))['after']?.result).toEqual({ text: 'true by github:bob' })
  })

  it('asks again when the ticket was edited after the answer: the answer was to something else', async () => {
    const { engine, id } = await begun(asks)
    const first = await getApproval(database.db, id, 'ask')
    await answer(id, 'approved')
    await editTicket(engine)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('parked')
    const second = await getApproval(database.db, id, 'ask')
    expect(second).toMatchObject({ state: 'waiting', asked: 2, decidedBy: null })
    expect(second?.shownHash).not.toBe(first?.shownHash)
    expect(await answer(id, 'approved', first?.shownHash)).toBe(false)
    expect(await answer(id, 'approved', second?.shownHash)).toBe(true)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
  })

  it('takes silence for a yes to nothing but what was shown', async () => {
    const { engine, id } = await begun(`
  - { name: ask, type: approval, shows: it, timeout: 60, on_timeout: approve }`)
    await editTicket(engine)
    await engine.passTime(id, 61)
    await engine.advance(id)
    expect(await getApproval(database.db, id, 'ask')).toMatchObject({ state: 'waiting', asked: 2 })
    await engine.passTime(id, 61)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
  })

  it('judges an answer when the ticket can be read again, and ends where that takes too long', async () => {
    let away = true
    const { engine, id } = await begun(asks)
    const { getTask } = engine.tracker.plugin
    engine.tracker.plugin.getTask = async (ref) => {
      if (away) throw new JourneymanError('unavailable', 'The tracker does not answer.', { service: 'memory' })
      return getTask(ref)
    }
    await answer(id, 'approved')
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('parked')
    away = false
    await engine.passTime(id, 60)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')

    away = true
    const next = await begun(asks.replace('outputs', 'on_error: fail, outputs'))
    next.engine.tracker.plugin.getTask = engine.tracker.plugin.getTask
    expect((await next.engine.run(next.id)).state).toBe('parked')
    await answer(next.id, 'approved')
    for (let round = 0; round < 20 && (await next.engine.run(next.id)).state !== 'failed'; round++) {
      await next.engine.advance(next.id)
      await next.engine.passTime(next.id, 700)
    }
    expect((await next.engine.run(next.id)).failure?.code).toBe('unavailable')
  })

  it('counts anew how often the ticket cannot be read, once it could', async () => {
    const { engine, id } = await begun(asks)
    const { getTask } = engine.tracker.plugin
    let away = true
    engine.tracker.plugin.getTask = async (ref) => {
      if (away) throw new JourneymanError('unavailable', 'The tracker does not answer.', { service: 'memory' })
      return getTask(ref)
    }
    const outage = async () => {
      away = true
      await answer(id, 'approved')
      for (let round = 0; round < 12; round++) {
        await engine.advance(id)
        await engine.passTime(id, 700)
      }
      expect((await engine.run(id)).state).toBe('parked')
      away = false
    }
    await outage()
    await editTicket(engine)
    await engine.advance(id)
    expect(await getApproval(database.db, id, 'ask')).toMatchObject({ state: 'waiting', asked: 2 })
    await outage()
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
  })

  it('reads the ticket again when that is due, however often the run is woken before', async () => {
    const { engine, id } = await begun(asks)
    const { getTask } = engine.tracker.plugin
    let [away, reads] = [true, 0]
    engine.tracker.plugin.getTask = async (ref) => {
      reads += 1
      if (away) throw new JourneymanError('unavailable', 'The tracker does not answer.', { service: 'memory' })
      return getTask(ref)
    }
    await answer(id, 'approved')
    await engine.advance(id)
    // Far from due, however long this test takes.
    await engine.passTime(id, -3600)
    for (let round = 0; round < 3; round++) {
      await database.db.transaction().execute((tx) => wakeRun(tx, id))
      await engine.advance(id)
      expect((await engine.run(id)).state).toBe('parked')
    }
    expect(reads).toBe(1)
    away = false
    await engine.passTime(id, 3660)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
  })

  it('takes an answer that came while the worker that had asked died', async () => {
    const engine = await engineUnderTest(database)
    const id = await engine.queueRun(workflowOf(asks))
    // Dead as soon as the question stands.
    for (let k = 5; k < 60 && (await getApproval(database.db, id, 'ask')) === null; k++) {
      await engine.dieAt(id, k)
    }
    expect(await answer(id, 'approved')).toBe(true)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
    expect((await getApproval(database.db, id, 'ask'))?.asked).toBe(1)
  })

  it('fails with what was said when somebody says no, and takes no second answer', async () => {
    const { engine, id } = await begun(asks)
    await answer(id, 'rejected')
    expect(await answer(id, 'approved')).toBe(false)
    await engine.advance(id)
    expect((await engine.run(id)).failure).toMatchObject({ code: 'rejected', message: expect.stringContaining('fine') })
  })

  it.each([
    ['approve', 'done', undefined],
    ['reject', 'failed', 'rejected'],
    ['fail', 'failed', 'timeout'],
  ])('takes no answer in time as on_timeout says: %s', async (onTimeout, state, code) => {
    const { engine, id } = await begun(`
  - { name: ask, type: approval, shows: it, timeout: 60, on_timeout: ${onTimeout} }`)
    await engine.passTime(id, 61)
    expect(await answer(id, 'approved')).toBe(false)
    await engine.advance(id)
    expect(await engine.run(id)).toMatchObject({ state })
    expect((await engine.run(id)).failure?.code).toBe(code)
    expect((await getApproval(database.db, id, 'ask'))?.state).toBe('timed_out')
  })

  it('does not park a run for which the answer came while a worker still held it', async () => {
    const engine = await engineUnderTest(database, {
      commands: {
        'answer meanwhile': async () => {
          await answer(id, 'approved')
          return { exitCode: 0 }
        },
      },
    })
    const id: string = await engine.queueRun(
      workflowOf(`
  - name: group
    type: parallel
    steps:
      - { name: ask, type: approval, shows: it }
      - { name: beside, type: loop, for_each: [1], max_iterations: 1, steps: [ { name: slow, type: run, command: nap } ] }`),
    )
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('parked')
  })

  it('voids what nobody needs to answer any more', async () => {
    const { engine, id } = await begun(`
  - name: group
    type: parallel
    on_error: continue
    steps:
      - { name: ask, type: approval, shows: it }
      - { name: bad, type: run, command: fail }
  - { name: later, type: wait, seconds: 60 }`)
    expect((await engine.run(id)).state).toBe('parked')
    expect((await getApproval(database.db, id, 'group/ask'))?.state).toBe('voided')
    expect((await engine.steps(id))['group/ask']).toMatchObject({ state: 'failed', failure: { code: 'cancelled' } })
  })

  it('waits as long as it was told, whoever goes on', async () => {
    const { engine, id } = await begun(
      '\n  - { name: pause, type: wait, seconds: 600, outputs: { waited_seconds: w } }',
    )
    await engine.passTime(id, 300)
    await database.query('update workflow_executions set wake_at = now() where id = $1', [id])
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('parked')
    await engine.passTime(id, 301)
    await engine.advance(id)
    expect(await engine.run(id)).toMatchObject({ state: 'done' })
    expect((await engine.steps(id))['pause']?.result).toMatchObject({
      waited_seconds: expect.toSatisfy((s: number) => s > 600),
    })
  })

  const waits = '\n  - { name: ci, type: wait, event: checks.completed, timeout: 600, outputs: { event: checks } }'
  const checks = (fields: Record<string, string>): Event => ({
    name: 'checks.completed',
    provider: 'memory',
    repository: 'acme/shop',
    repositoryUrl: null,
    installation: null,
    actor: { login: 'ci', id: '9', isBot: true },
    subject: { kind: 'issue', key: '1', url: 'https://tasks.test/1' },
    revision: '1',
    fields,
  })

  const comes = (runId: string, fields: Record<string, string>) =>
    database.db.transaction().execute((tx) => addSignals(tx, [{ runId, delivery: null, event: checks(fields) }]))

  it('takes an event that comes, and one that came before it waited; each once', async () => {
    const { engine, id } = await begun(`${waits}${waits.replace('name: ci', 'name: ci_again')}`)
    expect((await engine.run(id)).state).toBe('parked')
    await comes(id, { conclusion: 'success' })
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('parked')
    expect((await engine.steps(id))['ci']?.result).toMatchObject({
      event: { name: 'checks.completed', conclusion: 'success' },
    })
    expect((await signalsOf(database.db, id)).map((signal) => signal.takenBy)).toEqual(['ci'])
    await comes(id, { conclusion: 'failure' })
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
  })

  it('passes over what was said of an earlier commit of its change', async () => {
    const { engine, id } = await begun(waits)
    const links = JSON.stringify({ change: { number: 7, headSha: 'new' } })
    await database.query('update workflow_executions set links = $2 where id = $1', [id, links])
    await comes(id, { head_sha: 'old' })
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('parked')
    await comes(id, { head_sha: 'new' })
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
  })

  it('passes over what is said by somebody who may not write', async () => {
    const reviewed = waits.replace('checks.completed', 'change.reviewed')
    const { engine, id } = await begun(reviewed)
    const says = (login: string, actorId: string) =>
      database.db.transaction().execute((tx) =>
        addSignals(tx, [
          {
            runId: id,
            delivery: null,
            event: {
              ...checks({ state: 'approved' }),
              name: 'change.reviewed',
              actor: { login, id: actorId, isBot: false },
            },
          },
        ]),
      )
    engine.host.permissions.set('alice', { id: '1', permission: 'write' })
    await says('stranger', '66')
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('parked')
    await says('alice', '1')
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
  })

  it('ends with a timeout when the event does not come', async () => {
    const { engine, id } = await begun(waits)
    await engine.passTime(id, 601)
    await engine.advance(id)
    expect((await engine.run(id)).failure).toMatchObject({ code: 'timeout' })
  })

  it('is stopped at once while it waits, and nobody is asked any more', async () => {
    const { engine, id } = await begun(asks)
    await engine.stop(id)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('stopped')
    expect((await engine.steps(id))['ask']).toMatchObject({ state: 'failed', failure: { code: 'stopped' } })
    expect((await getApproval(database.db, id, 'ask'))?.state).toBe('voided')
  })
})

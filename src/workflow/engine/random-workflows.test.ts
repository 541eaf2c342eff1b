import { beforeAll, expect, it } from 'vitest'
import { fc, times } from '../../../test/at-random.ts'
import { breakableDatabase } from '../../../test/breakable-database.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { type ErrorCode, JourneymanError } from '../../domain/errors.ts'
import type { Event } from '../../domain/event.ts'
import { decideApproval, waitingApprovals } from '../../store/approvals.ts'
import { addSignals } from '../../store/signals.ts'
import { parsePinned, usedKey } from '../language/pinned.ts'
import { replayRun } from '../replay/replay-run.ts'
import { type EngineUnderTest, engineUnderTest, workflowOf } from './testing/engine-under-test.ts'
import { type RandomWorkflow, randomWorkflow } from './testing/random-workflow.ts'

/** What the generated steps may fail with, and nothing else. */
const defined: (ErrorCode | undefined)[] = [undefined, 'command_failed', 'conflict', 'timeout']
const mostRounds = 60

describeOnEachDatabase('any workflow', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  const prepare = async ({ steps, uses }: RandomWorkflow) => {
    const calls = new Map<string, number>()
    const engine = await engineUnderTest(database, {
      commands: {
        tally: async () => {
          calls.set('tally', (calls.get('tally') ?? 0) + 1)
          return { exitCode: 0 }
        },
        // By turns, whoever asks: two runs of one workflow may differ in it, one run and its resumption may not.
        sometimes: async () => {
          const before = calls.get('sometimes') ?? 0
          calls.set('sometimes', before + 1)
          return { exitCode: before % 2 }
        },
      },
    })
    const source = workflowOf(steps)
    const prompts = Object.fromEntries(Object.entries(uses).map(([name, text]) => [usedKey(name), text]))
    return {
      engine,
      calls,
      source,
      prompts,
      id: await engine.queueRun(source, { uses, waitsFor: ['checks.completed'] }),
    }
  }

  const tellOfChecks = async (engine: EngineUnderTest, runId: string) => {
    const event = { ...(await engine.run(runId)).event, name: 'checks.completed' } as Event
    await database.db.transaction().execute((tx) => addSignals(tx, [{ runId, delivery: null, event }]))
  }

  /** As time and people would: what is asked is answered, what waits is waited for. */
  const toTheEnd = async (
    engine: EngineUnderTest,
    id: string,
    dieAt: (round: number) => number | null = () => null,
  ) => {
    for (let round = 0; round < mostRounds; round++) {
      const k = dieAt(round)
      if (k === null) await engine.advance(id)
      else await engine.dieAt(id, k)
      const { state } = await engine.run(id)
      if (state !== 'parked' && state !== 'queued' && state !== 'running') return
      for (const { address } of await waitingApprovals(database.db, id)) {
        const decision = { runId: id, address, verdict: 'approved' as const, by: 'bob', comment: null }
        await database.db.transaction().execute((tx) => decideApproval(tx, decision))
      }
      if (round % 2 === 0) await tellOfChecks(engine, id)
      if (state === 'parked') await engine.passTime(id, 120)
    }
    throw new Error(`The run did not end in ${mostRounds} rounds.`)
  }

  const judge = async ({ engine, id, source, prompts }: Awaited<ReturnType<typeof prepare>>) => {
    const run = await engine.run(id)
    const rows = Object.values(await engine.steps(id))
    expect(run.failure?.code).toBeOneOf(defined)
    expect(run.state).toBe(run.failure ? 'failed' : 'done')
    expect(rows.filter((row) => row.state === 'running')).toEqual([])
    expect(rows.filter((row) => row.state === 'failed' && row.failure?.code === 'internal')).toEqual([])
    // What the journal says was told was told, once.
    const told = rows.filter(
      (row) => /^(comment|look)_/.test(row.name) && row.state === 'done' && row.kind === 'plugin',
    )
    const { rows: effects } = (await database.query(
      `select key, state from effects where run_id = $1 and kind = 'comment'`,
      [id],
    )) as unknown as { rows: { key: string; state: string }[] }
    const confirmed = effects.filter((effect) => effect.state === 'confirmed').length
    expect(confirmed).toBeGreaterThanOrEqual(told.length)
    // What was about to leave when its group ended may have been kept back; nothing left that was not written down before.
    expect(engine.tracker.comments.length).toBeGreaterThanOrEqual(confirmed)
    const sent = effects.filter((effect) => effect.state !== 'intended').length
    expect(engine.tracker.comments.length).toBeLessThanOrEqual(sent)
    // What is undone is undone once, newest first.
    const undone = rows.filter((row) => row.address.startsWith('@rollback/'))
    expect(new Set(undone.map((row) => row.address)).size).toBe(undone.length)
    const replayed = await replayRun({ run, rows, definition: parsePinned(source, prompts), prompts })
    expect(replayed.differences).toEqual([])
    return run
  }

  it('comes to a defined end, in which journal and effects agree, and which is replayed without a difference', async () => {
    await fc.assert(
      fc.asyncProperty(randomWorkflow, async (steps) => {
        const prepared = await prepare(steps)
        await toTheEnd(prepared.engine, prepared.id)
        await judge(prepared)
      }),
      { numRuns: times(kind === 'pglite' ? 30 : 15), endOnFailure: true },
    )
  })

  it('comes to the same kind of end from wherever it is gone on with, and runs nothing again that is done', async () => {
    const deaths = fc.array(fc.integer({ min: 2, max: 60 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(randomWorkflow, deaths, async (steps, ks) => {
        const prepared = await prepare(steps)
        await toTheEnd(prepared.engine, prepared.id, (round) => ks[round] ?? null)
        await judge(prepared)
        const rows = Object.values(await prepared.engine.steps(prepared.id))
        const tallied = rows.filter((row) => row.name.startsWith('write_') && row.state !== 'skipped')
        const attempts = tallied.reduce((sum, row) => sum + row.attempts, 0)
        expect(prepared.calls.get('tally') ?? 0).toBeLessThanOrEqual(attempts + ks.length * 3)
      }),
      { numRuns: times(kind === 'pglite' ? 25 : 10), endOnFailure: true },
    )
  })

  it('comes to a defined end beside stops, lost answers and a database that is away', async () => {
    const trouble = fc.record({
      at: fc.integer({ min: 2, max: 40 }),
      kind: fc.constantFrom('unanswered', 'unsent', 'dead', 'stop', 'shutdown'),
    })
    await fc.assert(
      fc.asyncProperty(randomWorkflow, fc.array(trouble, { minLength: 1, maxLength: 4 }), async (steps, troubles) => {
        const prepared = await prepare(steps)
        const { engine, id } = prepared
        for (const { at, kind: what } of troubles) {
          const ending = new AbortController()
          const stops: Promise<unknown>[] = []
          const fate = (query: number) => {
            if (what === 'dead') return query < at ? 'through' : 'unsent'
            if (query !== at) return 'through'
            if (what === 'shutdown') ending.abort()
            if (what === 'stop') stops.push(engine.stop(id))
            return what === 'unanswered' || what === 'unsent' ? what : 'through'
          }
          const code = what === 'dead' ? 'stale_epoch' : 'store_unavailable'
          const troubled = breakableDatabase(database, fate, () => new JourneymanError(code, 'Gone.'))
          await engine
            .worker(troubled)(id, ending.signal)
            .catch(() => undefined)
          await Promise.all(stops)
          await engine.lapse(id)
        }
        await toTheEnd(engine, id)
        const run = await engine.run(id)
        const rows = Object.values(await engine.steps(id))
        expect(run.state).toBe(run.failure === null ? 'done' : run.failure.code === 'stopped' ? 'stopped' : 'failed')
        expect(run.failure?.code).toBeOneOf([...defined, 'stopped'])
        expect(rows.filter((row) => row.state === 'running' || row.failure?.code === 'internal')).toEqual([])
        expect(await waitingApprovals(database.db, id)).toEqual([])
        const markers = engine.tracker.comments.map((comment) => comment.body)
        expect(new Set(markers).size).toBe(markers.length)
        if (run.state !== 'stopped') await judge(prepared)
      }),
      { numRuns: times(kind === 'pglite' ? 15 : 8), endOnFailure: true },
    )
  })
})

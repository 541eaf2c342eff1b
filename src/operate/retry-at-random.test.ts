import { beforeAll, expect, it } from 'vitest'
import { fc, times } from '../../test/at-random.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import type { Event } from '../domain/event.ts'
import { isLive } from '../domain/run.ts'
import { decideApproval, waitingApprovals } from '../store/approvals.ts'
import { addSignals } from '../store/signals.ts'
import { type EngineUnderTest, engineUnderTest, workflowOf } from '../workflow/engine/testing/engine-under-test.ts'
import { type RandomWorkflow, randomWorkflow } from '../workflow/engine/testing/random-workflow.ts'
import { parsePinned, usedKey } from '../workflow/language/pinned.ts'
import { replayRun } from '../workflow/replay/replay-run.ts'
import type { OperateParts } from './contract.ts'
import { retryRun } from './retry-run.ts'

const mostRounds = 60
const queue = { enqueue: async () => undefined }

describeOnEachDatabase('any run that failed or was stopped', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  const begin = async ({ steps, uses }: RandomWorkflow) => {
    let commands = 0
    const engine = await engineUnderTest(database, {
      commands: {
        tally: async () => ({ exitCode: 0 }),
        sometimes: async () => ({ exitCode: commands++ % 2 }),
        fail: async () => ({ exitCode: commands++ % 3 === 0 ? 0 : 1 }),
      },
    })
    const source = workflowOf(steps)
    const prompts = Object.fromEntries(Object.entries(uses).map(([name, text]) => [usedKey(name), text]))
    return { engine, source, prompts, id: await engine.queueRun(source, { uses, waitsFor: ['checks.completed'] }) }
  }

  const comeAlong = async (engine: EngineUnderTest, runId: string, round: number) => {
    for (const { address } of await waitingApprovals(database.db, runId)) {
      const verdict = round % 3 === 0 ? ('rejected' as const) : ('approved' as const)
      const decision = { runId, address, verdict, by: 'bob', comment: null }
      await database.db.transaction().execute((tx) => decideApproval(tx, decision))
    }
    const event = { ...(await engine.run(runId)).event, name: 'checks.completed' } as Event
    if (round % 2 === 0)
      await database.db.transaction().execute((tx) => addSignals(tx, [{ runId, delivery: null, event }]))
    await engine.passTime(runId, 120)
  }

  const toTheEnd = async (engine: EngineUnderTest, id: string, stopAt: number | null) => {
    for (let round = 0; round < mostRounds; round++) {
      if (round === stopAt) {
        await engine.stop(id)
        await engine.lapse(id)
      }
      await engine.advance(id)
      if (!isLive((await engine.run(id)).state)) return
      await comeAlong(engine, id, round)
    }
    throw new Error(`The run did not end in ${mostRounds} rounds.`)
  }

  const judge = async ({ engine, id, source, prompts }: Awaited<ReturnType<typeof begin>>) => {
    const run = await engine.run(id)
    const rows = Object.values(await engine.steps(id))
    expect(rows.filter((row) => row.state === 'running' || row.failure?.code === 'internal')).toEqual([])
    if (run.state === 'stopped') return
    const replayed = await replayRun({ run, rows, definition: parsePinned(source, prompts), prompts })
    expect(replayed.differences).toEqual([])
  }

  it('goes on, from where it ended or from any step, to an end that is replayed without a difference', async () => {
    const places = fc.array(fc.option(fc.nat(20)), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(randomWorkflow, fc.nat(8), places, async (workflow, stopAt, froms) => {
        const begun = await begin(workflow)
        const { engine, id } = begun
        await toTheEnd(engine, id, stopAt)
        await judge(begun)
        for (const at of froms) {
          const before = await engine.steps(id)
          const own = Object.keys(before).filter((address) => !address.includes('@'))
          const isUndone = Object.keys(before).some((address) => address.startsWith('@rollback/'))
          if ((await engine.run(id)).state === 'done' || isUndone || own.length === 0) return
          const from = at === null ? undefined : own[at % own.length]
          const parts = { database, queue } as unknown as OperateParts
          await retryRun.ask(parts, { run: id, ...(from !== undefined && { from }) }, 'operator:alice')
          await toTheEnd(engine, id, null)
          expect((await engine.run(id)).state).not.toBe('stopped')
          await judge(begun)
        }
      }),
      { numRuns: times(kind === 'pglite' ? 25 : 10), endOnFailure: true },
    )
  })
})

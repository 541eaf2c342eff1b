import { createHash } from 'node:crypto'
import { setTimeout as passes } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import { fc, times } from '../../../test/at-random.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { memoryTasks } from '../../../test/fakes/memory-tasks.ts'
import { JourneymanError } from '../../domain/errors.ts'
import type { TaskManagement } from '../../plugins/task-management/contract.ts'
import type { StepRow } from '../../store/steps.ts'
import { parsePinned, usedKey } from '../language/pinned.ts'
import { replayRun } from '../replay/replay-run.ts'
import { engineUnderTest, workflowOf } from './testing/engine-under-test.ts'
import { type RandomBranches, randomBranches } from './testing/random-branches.ts'

const mostRounds = 60

/** Takes its time, another with each seed, so that another branch is the quicker one. */
const slowTracker = async (seed: number): Promise<TaskManagement> => {
  const { plugin } = memoryTasks()
  await plugin.createTask({ repository: 'acme/shop', installation: null }, { title: 'T', description: 'd', labels: [] })
  const seen = new Set<string>()
  return {
    ...plugin,
    addComment: async (ref, body) => {
      const [number = 0] = createHash('sha256').update(`${seed} ${body.length} ${seen.size}`).digest()
      await passes([0, 2, 15, 30][number % 4])
      if (body.startsWith('bad')) throw new JourneymanError('conflict', 'No.')
      const isFirst = !seen.has(body)
      seen.add(body)
      if (body.startsWith('once') && isFirst) throw new JourneymanError('unavailable', 'Not now.')
      return plugin.addComment(ref, body)
    },
  }
}

/** What must be the same. A comment is numbered in the order in which it came, and that is the tracker's own. */
const fixedOf = (rows: readonly StepRow[]) =>
  Object.fromEntries(
    rows.map(({ address, state, inputs, result, failure, reason }) => [
      address,
      JSON.parse(
        JSON.stringify({ state, inputs, result, failure: failure?.code, reason }, (key, value) =>
          key === 'comment_id' || key === 'waited_seconds' ? undefined : value,
        ),
      ),
    ]),
  )

describeOnEachDatabase('any workflow of branches', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  const play = async ({ steps, rest, uses }: RandomBranches, seed: number, deaths: readonly number[] = []) => {
    const engine = await engineUnderTest(database, { parts: { taskManagement: await slowTracker(seed) } })
    const source = workflowOf(steps, rest)
    const prompts = Object.fromEntries(Object.entries(uses).map(([name, text]) => [usedKey(name), text]))
    const id = await engine.queueRun(source, { uses })
    for (let round = 0; round < mostRounds; round++) {
      const k = deaths[round]
      if (k === undefined) await engine.advance(id)
      else await engine.dieAt(id, k)
      const { state } = await engine.run(id)
      if (state === 'parked') await engine.passTime(id, 200)
      else if (state !== 'queued' && state !== 'running') break
    }
    const run = await engine.run(id)
    const rows = Object.values(await engine.steps(id))
    expect([run.state, run.failure?.message ?? null]).toEqual(['done', null])
    const replayed = await replayRun({ run, rows, definition: parsePinned(source, prompts), prompts })
    expect(replayed.differences).toEqual([])
    return fixedOf(rows)
  }

  it('comes to the same, whichever of them is quicker', async () => {
    await fc.assert(
      fc.asyncProperty(randomBranches, fc.integer({ min: 1, max: 1_000 }), async (workflow, seed) => {
        expect(await play(workflow, seed)).toEqual(await play(workflow, 0))
      }),
      { numRuns: times(12), endOnFailure: true },
    )
  })

  it('comes to the same, wherever another worker goes on', async () => {
    const deaths = fc.array(fc.integer({ min: 4, max: 60 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(randomBranches, deaths, async (workflow, ks) => {
        expect(await play(workflow, 1, ks)).toEqual(await play(workflow, 0))
      }),
      { numRuns: times(8), endOnFailure: true },
    )
  })
})

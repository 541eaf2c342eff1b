import type { KyselyPlugin } from 'kysely'
import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import type { Database } from '../../store/database.ts'
import { engineUnderTest, workflowOf } from './testing/engine-under-test.ts'

const leaseSeconds = 0.1

const steps = `
  - { name: think, type: ai_action, prompt_template: prompts/do.njk, agent: development }
  - { name: tell, plugin: task_management, action: add_comment, inputs: { comment: "Done" } }`

/** A process that is stopped while it waits for the k-th answer, and goes on with that answer long after its lease was over. */
const asleepAt = (database: Database, k: number) => {
  let queries = 0
  let asleep = false
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      queries += 1
      if (queries === k) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, leaseSeconds * 1500)
        asleep = true
        // Until the process looks at its timers: the lease's own comes before this one.
        setTimeout(() => {
          asleep = false
        }, 0)
      }
      return result
    },
  }
  const db = { ...database, db: database.db.withPlugin(plugin) }
  return { db, asleep: () => asleep, reached: () => queries >= k }
}

// With the embedded database nobody else could have the run meanwhile.
describeOnEachDatabase('a worker that wakes up with the answer to its last question', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  it.skipIf(kind === 'pglite')('sends nothing and asks no model before it has looked at the time', async () => {
    for (let k = 1; ; k++) {
      const sent: string[] = []
      let worker: ReturnType<typeof asleepAt> | null = null
      const noteIfAsleep = (what: string): void => void (worker?.asleep() && sent.push(`${what} after query ${k}`))
      const engine = await engineUnderTest(database, {
        settings: { leaseSeconds },
        turns: [async () => undefined],
      })
      const { addComment } = engine.tracker.plugin
      engine.tracker.plugin.addComment = (...given) => {
        noteIfAsleep('a comment')
        return addComment(...given)
      }
      const { push } = engine.paidTurns
      engine.paidTurns.push = (...turns) => {
        noteIfAsleep('a turn')
        return push.apply(engine.paidTurns, turns)
      }
      const id = await engine.queueRun(workflowOf(steps))
      worker = asleepAt(database, k)
      await engine.worker(worker.db)(id, new AbortController().signal)
      const reached = worker.reached()
      expect(sent).toEqual([])
      await engine.lapse(id)
      worker = null
      // Whoever goes on is not to be late for want of a processor.
      engine.settings.leaseSeconds = 30
      await engine.advance(id)
      expect(await engine.run(id), `asleep at ${k}`).toMatchObject({ state: 'done', failure: null })
      expect(engine.tracker.comments.filter(({ body }) => body.includes('Done'))).toHaveLength(1)
      if (!reached) return
    }
  })
})

import { setMaxListeners } from 'node:events'
import { newId } from '../src/domain/ids.ts'
import { createQueue } from '../src/queue/queue.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { engineUnderTest } from '../src/workflow/engine/testing/engine-under-test.ts'
import type { Bench, Place } from './open-bench.ts'
import { insertRuns } from './trivial-runs.ts'

export type OurEngine = {
  database: Database
  /** One run of that workflow with so many steps, from its row to its written end. */
  run: (source: string, steps: number) => Promise<void>
}

/** The engine over a real database and a real queue, its outside in memory: what is left is claim, lease, journal and end. */
export const startOurEngine = async (bench: Bench, place: Place, poolSize: number): Promise<OurEngine> => {
  const database = await openDatabase({ ...place, poolSize })
  bench.after(database.close)
  const queue = createQueue(database)
  await queue.start()
  bench.after(() => queue.stop({ graceMs: 1_000 }))
  const { worker } = await engineUnderTest(database)
  const advance = worker(database, newId('agent'), { queue } as object)
  const never = new AbortController().signal
  setMaxListeners(0, never)
  return {
    database,
    run: async (source, steps) => {
      const [id = ''] = await insertRuns(database, { source, count: 1 })
      await advance(id, never)
      await requireDone(database, id, steps)
    },
  }
}

/** A figure for work that was not done would be worth nothing. */
const requireDone = async (database: Database, id: string, steps: number): Promise<void> => {
  const { rows } = await database.query(
    `select state, failure, (select count(*) from step_executions
       where run_id = run.id and state = 'done' and address like 'step%') as steps
     from workflow_executions as run where id = $1`,
    [id],
  )
  const found = rows[0] as { state: string; steps: number; failure: unknown } | undefined
  if (found?.state !== 'done' || found.steps !== steps) throw new Error(`A run is ${JSON.stringify(found)}.`)
}

import { setMaxListeners } from 'node:events'
import { newId } from '../src/domain/ids.ts'
import { createQueue } from '../src/queue/queue.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { engineUnderTest } from '../src/workflow/engine/testing/engine-under-test.ts'
import type { Bench, Place } from './open-bench.ts'
import { insertRuns, keepWorkflow } from './trivial-runs.ts'

export type OurEngine = {
  database: Database
  /** One run of that workflow, from its row to its written end, which is read. */
  run: (source: string) => Promise<void>
  /** Throws unless each run since the last time has done so many steps: a figure for work that was not done is worth nothing. */
  requireSteps: (steps: number) => Promise<void>
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
  const kept = new Map<string, Promise<string>>()
  let done: string[] = []
  return {
    database,
    run: async (source) => {
      const hash = kept.get(source) ?? keepWorkflow(database, source)
      kept.set(source, hash)
      const [id = ''] = await insertRuns(database, { hash: await hash, count: 1 })
      await advance(id, never)
      const { rows } = await database.query('select state, failure from workflow_executions where id = $1', [id])
      if (rows[0]?.['state'] !== 'done') throw new Error(`A run is ${JSON.stringify(rows[0])}.`)
      done.push(id)
    },
    requireSteps: async (steps) => {
      const ids = done
      done = []
      const { rows } = await database.query(
        `select run_id from step_executions where run_id = any($1) and state = 'done' and address like 'step%'
         group by run_id having count(*) = $2`,
        [ids, steps],
      )
      if (rows.length !== ids.length) throw new Error(`Of ${ids.length} runs ${rows.length} have done ${steps} steps.`)
    },
  }
}

import { newId } from '../src/domain/ids.ts'
import type { Queue } from '../src/queue/contract.ts'
import type { Database } from '../src/store/database.ts'
import { saveDefinition } from '../src/store/definitions.ts'
import { acknowledgedRun } from '../src/workflow/engine/testing/acknowledged-run.ts'
import { hashOf } from '../src/workflow/language/load-workflows.ts'

/** A workflow of so many steps that do nothing: what is measured is the engine. */
export const trivialWorkflow = (steps: number): string =>
  workflowOf(
    Array.from({ length: steps }, (_, at) => `name: step_${at}, type: system, action: set, inputs: { at: ${at} }`),
  )

/** As many that act outside: each is begun in the journal before it acts, and its end is there before the next begins. */
export const actingWorkflow = (steps: number): string =>
  workflowOf(Array.from({ length: steps }, (_, at) => `name: step_${at}, type: run, command: say hello`))

export const workflowOf = (steps: string[]): string =>
  `name: bench\non: [ { event: issue.labeled, label: bench } ]\nsteps:\n${steps.map((step) => `  - { ${step} }`).join('\n')}\n`

/** Keeps a definition, as whoever loads it does before any run of it; gives its hash. */
export const keepWorkflow = async (database: Database, source: string): Promise<string> => {
  const hash = hashOf(source, {})
  await saveDefinition(database.db, { hash, name: 'bench', source, prompts: {} })
  return hash
}

/**
 * Rows of that many runs, acknowledged and waiting for a worker, as the door and the lane `acknowledge` leave them; in one
 * statement, since it is not they that are measured. With a queue their jobs are enqueued with them.
 */
export const insertRuns = async (
  database: Database,
  { hash, count, queue }: { hash: string; count: number; queue?: Queue },
): Promise<string[]> => {
  const runs = Array.from({ length: count }, () => acknowledgedRun(newId('run'), { hash, name: 'bench' }))
  await database.db.transaction().execute(async (tx) => {
    for (let at = 0; at < runs.length; at += mostAtOnce) {
      await tx
        .insertInto('workflow_executions')
        .values(runs.slice(at, at + mostAtOnce))
        .execute()
    }
    await queue?.enqueueAll(
      'advance-run',
      runs.map(({ id }) => ({ runId: id })),
      { tx },
    )
  })
  return runs.map(({ id }) => id)
}

/** A statement holds 65,535 values at most. */
const mostAtOnce = 1_000

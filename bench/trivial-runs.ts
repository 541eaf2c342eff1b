import { newId } from '../src/domain/ids.ts'
import type { Queue } from '../src/queue/contract.ts'
import type { Database } from '../src/store/database.ts'
import { saveDefinition } from '../src/store/definitions.ts'
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

/**
 * Rows of that many runs, acknowledged and waiting for a worker, as the door and the lane `acknowledge` leave them; in one
 * statement, since it is not they that are measured. With a queue their jobs are enqueued with them.
 */
export const insertRuns = async (
  database: Database,
  { source, count, queue }: { source: string; count: number; queue?: Queue },
): Promise<string[]> => {
  const hash = hashOf(source, {})
  await saveDefinition(database.db, { hash, name: 'bench', source, prompts: {} })
  const runs = Array.from({ length: count }, () => runOf(newId('run'), hash))
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

const actor = { login: 'alice', id: '1', isBot: false }
const event = {
  name: 'issue.labeled',
  provider: 'memory',
  repository: 'acme/shop',
  repositoryUrl: null,
  installation: null,
  actor,
  subject: { kind: 'issue', key: '1', url: 'https://tasks.test/1' },
  revision: '1',
  fields: {},
}

const runOf = (id: string, definitionHash: string) => ({
  id,
  workflow: 'bench',
  definition_hash: definitionHash,
  intent_key: id,
  repository: 'acme/shop',
  installation: null,
  subject: 'issue/1',
  actor: JSON.stringify(actor),
  event: JSON.stringify(event),
  state: 'queued' as const,
  lease_owner: null,
  stop_requested_by: null,
  base_sha: null,
  acknowledged_at: new Date(),
  cost_cap: 1_000_000,
  token_cap: 1_000_000,
  deadline_seconds: 3_600,
})

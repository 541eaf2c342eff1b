import { sql } from 'kysely'
import { newId } from '../src/domain/ids.ts'
import type { Claim } from '../src/domain/run.ts'
import { createOperator } from '../src/operate/dispatch.ts'
import type { Operator } from '../src/operate/verbs.ts'
import { createQueue } from '../src/queue/queue.ts'
import { askApproval } from '../src/store/approvals.ts'
import type { Database } from '../src/store/database.ts'
import { saveDefinition } from '../src/store/definitions.ts'
import { writeSteps } from '../src/store/write-steps.ts'
import type { LoadedWorkflow } from '../src/workflow/language/definition.ts'
import { hashOf } from '../src/workflow/language/load-workflows.ts'
import { parseWorkflow } from '../src/workflow/language/parse-workflow.ts'
import { insertTestRun, stepImage } from './rows.ts'

/** An operator at a database, with a workflow `greet` to start; its jobs go into the real queue, where nobody does them. */
export const operatorAt = async (
  database: Database,
): Promise<{ operator: Operator; jobs: (lane: string) => Promise<unknown[]>; close: () => Promise<void> }> => {
  const workflow = loaded(greet)
  const { hash, source, prompts } = workflow
  await saveDefinition(database.db, { hash, source, prompts, name: workflow.definition.name })
  const queue = createQueue(database, { supervise: false })
  await queue.start()
  const parts = {
    database,
    queue,
    workflows: async () => [workflow],
    caps: () => ({ costCap: 5_000_000, tokenCap: 1000, deadlineSeconds: 60 }),
    repositoryUrl: (repository: string) => `https://github.test/${repository}`,
  }
  return {
    operator: createOperator(parts, 'operator:alice'),
    jobs: async (lane) =>
      (await database.query('select data from pgboss.job where name = $1 order by created_on', [lane])).rows.map(
        ({ data }) => data,
      ),
    close: () => queue.stop({ graceMs: 0 }),
  }
}

const greet = `
name: greet
description: Says a few words
version: "1.0.0"
on:
  - event: issue.labeled
    label: greet
inputs:
  whom: { type: string, required: true, description: "Who is greeted" }
  times: { type: number, default: 1 }
  words: { type: list, default: [] }
steps:
  - name: say
    description: Say it
    type: system
    action: log
    inputs: { message: "hello" }
  - name: rest
    type: wait
    event: checks.completed
`

const loaded = (source: string): LoadedWorkflow => {
  const { definition, problems } = parseWorkflow(source, 'greet.yaml')
  if (!definition) throw new Error(JSON.stringify(problems))
  return { hash: hashOf(source, {}), file: 'greet.yaml', source, prompts: {}, definition }
}

/** A run that has done one step and stands in a loop with another, and asks for approval at each of the addresses. */
export const runThatAsks = async (database: Database, addresses: string[]): Promise<Claim> => {
  const { db } = database
  const claim = await insertTestRun(db)
  const step = (address: string, kind: string, ordinal: number) =>
    writeSteps(db, claim, [stepImage({ address, kind, ordinal, state: 'running' })])
  await step('read', 'plugin', 1)
  await writeSteps(db, claim, [stepImage({ address: 'read', kind: 'plugin', result: {}, finishOrder: 1 })])
  await step('each', 'loop', 2)
  await step('each[1]/fix', 'ai_action', 3)
  for (const address of addresses) {
    await step(address, 'approval', 4)
    const ask = { address, shownHash: newId('eff'), shown: { plan: `of ${address}` }, approvers: ['role:write'] }
    await askApproval(db, claim, { ...ask, onTimeout: 'reject', timeoutSeconds: 3600 })
  }
  await sql`update workflow_executions set event = ${JSON.stringify({ name: 'issue.labeled', fields: {}, provider: 'github' })}::jsonb,
    state = 'parked', lease_owner = null, acknowledged_at = now() where id = ${claim.runId}`.execute(db)
  return claim
}

import { newId } from '../src/domain/ids.ts'
import type { Claim } from '../src/domain/run.ts'
import type { Db } from '../src/store/database.ts'
import type { StepImage } from '../src/store/write-steps.ts'

/** A run that a worker has claimed, with the definition it needs; gives the claim. */
export const insertTestRun = async (db: Db, columns: { owner?: string; epoch?: number } = {}): Promise<Claim> => {
  const runId = newId('run')
  const claim: Claim = { runId, epoch: columns.epoch ?? 1, owner: columns.owner ?? 'worker-1' }
  await db
    .insertInto('workflow_definitions')
    .values({ hash: 'test', name: 'test', source: '', prompts: '{}' })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await db
    .insertInto('workflow_executions')
    .values({
      id: runId,
      workflow: 'test',
      definition_hash: 'test',
      intent_key: runId,
      repository: 'acme/shop',
      installation: null,
      subject: 'issue/1',
      actor: JSON.stringify({ login: 'octocat', id: '1', isBot: false }),
      event: '{}',
      state: 'running',
      epoch: claim.epoch,
      lease_owner: claim.owner,
      stop_requested_by: null,
      base_sha: null,
      cost_cap: 0,
      token_cap: 0,
      deadline_seconds: 3600,
    })
    .execute()
  return claim
}

/** A row of the journal to be written; `done` without saying. */
export const stepImage = (given: Partial<StepImage> & { address: string }): StepImage => ({
  name: given.address.split('/').at(-1) ?? '',
  kind: 'system',
  ordinal: 1,
  state: 'done',
  attempts: 1,
  result: null,
  failure: null,
  reason: null,
  memo: null,
  inputs: null,
  compensation: null,
  finishOrder: null,
  retries: {},
  retryInSeconds: null,
  evaluated: null,
  snapshot: null,
  ...given,
})

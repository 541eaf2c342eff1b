import { sql } from 'kysely'
import { JourneymanError } from '../domain/errors.ts'
import type { Claim } from '../domain/run.ts'
import type { Tx } from './database.ts'

/**
 * Throws `stale_epoch` unless the claim is still the run's. The row stays locked for share until the transaction ends, so
 * that nobody can claim the run between this check and the write it is for; two writers of one claim do not wait for each
 * other. With `update` the row is locked alone, for a transaction that goes on to change it.
 */
export const assertClaim = async (tx: Tx, claim: Claim, lock: 'share' | 'update' = 'share'): Promise<void> => {
  const query = tx
    .selectFrom('workflow_executions')
    .select('id')
    .where('id', '=', claim.runId)
    .where('epoch', '=', claim.epoch)
    .where('lease_owner', '=', claim.owner)
  const row = await (lock === 'update' ? query.forUpdate() : query.forShare()).executeTakeFirst()
  if (!row) throw staleEpoch(claim)
}

/** Whether the claim still holds, as a plain question: for what is about to be sent outside. */
export const isClaimed = async (tx: Pick<Tx, 'selectFrom'>, claim: Claim): Promise<boolean> => {
  const row = await tx
    .selectFrom('workflow_executions')
    .select(sql`1`.as('one'))
    .where('id', '=', claim.runId)
    .where('epoch', '=', claim.epoch)
    .where('lease_owner', '=', claim.owner)
    .executeTakeFirst()
  return row !== undefined
}

const staleEpoch = (claim: Claim): JourneymanError =>
  new JourneymanError(
    'stale_epoch',
    `Worker ${claim.owner} no longer holds run ${claim.runId} (epoch ${claim.epoch}).`,
    {
      nextAction: 'Nothing: another worker goes on with the run.',
    },
  )

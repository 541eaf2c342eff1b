import { type QueryResult, sql } from 'kysely'
import { JourneymanError } from '../domain/errors.ts'
import type { Claim } from '../domain/run.ts'
import type { Db, Tx } from './database.ts'

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

/** What whoever else has the row locked just now means: wait for them, or count the claim as not held. */
type Patience = '' | 'skip locked'

/**
 * The run's row, locked, if and only if the claim still holds ($1 to $3: `valuesOf`); and marked as changed where it is not
 * yet. Most often it is, and then nothing of it is written: it is a long row with many indexes. Whoever takes the mark away
 * waits for the lock.
 */
export const held = (patience: Patience = ''): string => `
  held as (
    select id, epoch, report_dirty from workflow_executions
    where id = $1 and epoch = $2 and lease_owner = $3 and state = 'running'
    for no key update ${patience}),
  ${marked}`

export const valuesOf = (claim: Claim): unknown[] => [claim.runId, claim.epoch, claim.owner]

/** The same for many claims: $1 to $3 are lists. In one order, so that two workers do not wait for each other in a circle. */
export const allHeld = (patience: Patience): string => `
  held as (
    select run.id, run.epoch, run.report_dirty
    from unnest($1::text[], $2::bigint[], $3::text[]) as claim (id, epoch, owner)
    join workflow_executions as run on run.id = claim.id and run.epoch = claim.epoch and run.lease_owner = claim.owner
    where run.state = 'running'
    order by run.id
    for no key update of run ${patience}),
  ${marked}`

export const valuesOfAll = (claims: readonly Claim[]): unknown[][] => [
  claims.map(({ runId }) => runId),
  claims.map(({ epoch }) => epoch),
  claims.map(({ owner }) => owner),
]

const marked = `marked as (
    update workflow_executions as run set report_dirty = true, updated_at = now()
    from held where run.id = held.id and not held.report_dirty)`

/**
 * A statement as it stands, with $1, $2 … once each and in this order: what is asked at every step is not put together from
 * parts each time. It goes the way of every other, past whoever looks at queries.
 */
export const ask = <Row>(db: Db | Tx, text: string, values: readonly unknown[]): Promise<QueryResult<Row>> =>
  sql<Row>(text.split(/\$\d+/) as unknown as TemplateStringsArray, ...values).execute(db)

export const staleEpoch = (claim: Claim): JourneymanError =>
  new JourneymanError(
    'stale_epoch',
    `Worker ${claim.owner} no longer holds run ${claim.runId} (epoch ${claim.epoch}).`,
    {
      nextAction: 'Nothing: another worker goes on with the run.',
    },
  )

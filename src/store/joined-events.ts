import type { Event } from '../domain/event.ts'
import { newId } from '../domain/ids.ts'
import type { Run } from '../domain/run.ts'
import type { Tx } from './database.ts'
import { linkDeliveries } from './deliveries.ts'
import { insertRuns } from './runs.ts'

/**
 * Others may have asked for the same while a run waited to be admitted; they joined it. When it is refused for the sake of
 * who began it, they get a run of their own, of the first of them. Gives its id, or null where nobody else had asked. In the
 * transaction that ends the refused run, and after it has ended there: nobody can join it any more.
 */
export const restartForOthers = async (tx: Tx, refused: Run): Promise<string | null> => {
  const joined = await tx
    .selectFrom('delivery_runs')
    .innerJoin('deliveries', 'deliveries.id', 'delivery_runs.delivery')
    .select(['delivery_runs.delivery', 'delivery_runs.event'])
    .where('delivery_runs.run_id', '=', refused.id)
    .where('delivery_runs.role', '=', 'joined')
    .orderBy('deliveries.received_at')
    .execute()
  const others = joined.filter(isOfAnother(refused))
  const [first, ...rest] = others
  if (!first) return null
  const before = await tx
    .selectFrom('workflow_executions')
    .select(['intent_key', 'cost_cap', 'token_cap', 'deadline_seconds'])
    .where('id', '=', refused.id)
    .executeTakeFirstOrThrow()
  const run = {
    id: newId('run'),
    workflow: refused.workflow,
    definitionHash: refused.definitionHash,
    intentKey: before.intent_key,
    repository: refused.repository,
    subject: refused.subject,
    event: first.event,
    costCap: before.cost_cap,
    tokenCap: before.token_cap,
    deadlineSeconds: before.deadline_seconds,
  }
  const id = (await insertRuns(tx, [run])).get(run.intentKey)?.id ?? run.id
  await linkDeliveries(tx, [
    { delivery: first.delivery, runId: id, role: 'started' },
    ...rest.map(({ delivery, event }) => ({ delivery, runId: id, role: 'joined' as const, event })),
  ])
  return id
}

const isOfAnother =
  (refused: Run) =>
  (link: { delivery: string; event: Event | null }): link is { delivery: string; event: Event } =>
    link.event !== null && link.event.actor.id !== refused.actor.id

import { sql } from 'kysely'
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
export const restartForOthers = (tx: Tx, refused: Run): Promise<string | null> =>
  restart(tx, refused, ({ event }) => event.actor.id !== refused.actor.id)

/**
 * Whoever asks when somebody has asked for the run's stop, the same person too, asks for what comes after it: a run of their
 * own, of the first of them. Gives its id, to be acknowledged, or null where nobody came late. In the transaction that ends
 * the run, whatever its end, and after it has ended there.
 */
export const restartForLateComers = (tx: Tx, ended: Run): Promise<string | null> =>
  restart(tx, ended, ({ late }) => late)

/**
 * Whoever has joined these runs since that delivery came, in which somebody asked for their stop, has come late; or since `said`,
 * where the delivery came so late that it says nothing.
 */
export const markLateComers = async (tx: Tx, runIds: string[], delivery: string, said: Date | null): Promise<void> => {
  if (runIds.length === 0) return
  await sql`
    update delivery_runs set late = true from deliveries as joined, deliveries as stop
    where joined.id = delivery_runs.delivery and stop.id = ${delivery} and joined.received_at > least(stop.received_at, ${said}::timestamptz)
      and delivery_runs.run_id in (${sql.join(runIds)}) and delivery_runs.role = 'joined'`.execute(tx)
}

type Joined = { delivery: string; event: Event; late: boolean }

const restart = async (tx: Tx, ended: Run, isMeant: (joined: Joined) => boolean): Promise<string | null> => {
  const [first, ...rest] = (await joinedTo(tx, ended.id)).filter(isMeant)
  if (!first) return null
  const before = await tx
    .selectFrom('workflow_executions')
    .select(['intent_key', 'cost_cap', 'token_cap', 'deadline_seconds', 'waits_for'])
    .where('id', '=', ended.id)
    .executeTakeFirstOrThrow()
  const run = {
    id: newId('run'),
    workflow: ended.workflow,
    definitionHash: ended.definitionHash,
    intentKey: before.intent_key,
    repository: ended.repository,
    subject: ended.subject,
    event: first.event,
    costCap: before.cost_cap,
    tokenCap: before.token_cap,
    deadlineSeconds: before.deadline_seconds,
    waitsFor: before.waits_for,
  }
  const id = (await insertRuns(tx, [run])).get(run.intentKey)?.id ?? run.id
  await linkDeliveries(tx, [
    { delivery: first.delivery, runId: id, role: 'started' },
    ...rest.map(({ delivery, event }) => ({ delivery, runId: id, role: 'joined' as const, event })),
  ])
  return id
}

const joinedTo = async (tx: Tx, runId: string): Promise<Joined[]> => {
  const rows = await tx
    .selectFrom('delivery_runs')
    .innerJoin('deliveries', 'deliveries.id', 'delivery_runs.delivery')
    .select(['delivery_runs.delivery', 'delivery_runs.event', 'delivery_runs.late'])
    .where('delivery_runs.run_id', '=', runId)
    .where('delivery_runs.role', '=', 'joined')
    .orderBy('deliveries.received_at')
    .execute()
  return rows.flatMap(({ delivery, event, late }) => (event === null ? [] : [{ delivery, event, late }]))
}

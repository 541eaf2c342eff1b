import { sql } from 'kysely'
import type { EffectGuard } from '../domain/effect.ts'
import { JourneymanError } from '../domain/errors.ts'
import { appendAudit } from './audit.ts'
import type { Db, Tx } from './database.ts'
import { toJson } from './json.ts'

export type EffectRow = {
  state: 'intended' | 'sent' | 'confirmed' | 'failed'
  request: unknown
  result: unknown
  /** Nobody had written down this effect before. */
  fresh: boolean
}

/** Writes the effect down as intended, or gives what is known of it. Throws `stale_epoch` without the guard's claim. */
export const intendEffect = async (
  db: Db,
  guard: EffectGuard,
  effect: { key: string; kind: string; target: string; request: unknown },
): Promise<EffectRow> => {
  const { rows } = await sql<EffectRow>`
    with held as (${heldBy(guard)})
    insert into effects (run_id, key, kind, target, state, epoch, request)
    select id, ${effect.key}, ${effect.kind}, ${effect.target}, 'intended', ${guard.epoch}, ${toJson(effect.request ?? null)}::jsonb
    from held
    on conflict (run_id, key) do update set key = excluded.key
    returning state, request, result, (xmax = 0) as fresh`.execute(db)
  return rows[0] ?? lost(guard)
}

/** Whether the run has written, or may have written, anything of that kind outside. */
export const hasEffect = async (db: Db, runId: string, kind: string): Promise<boolean> => {
  const row = await db
    .selectFrom('effects')
    .select('key')
    .where('run_id', '=', runId)
    .where('kind', '=', kind)
    .where('state', '!=', 'intended')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** What the run's latest confirmed effect of that kind on that target gave; null without one. */
export const latestResult = async (db: Db, runId: string, kind: string, target: string): Promise<unknown> => {
  const row = await db
    .selectFrom('effects')
    .select('result')
    .where('run_id', '=', runId)
    .where('kind', '=', kind)
    .where('target', '=', target)
    .where('state', '=', 'confirmed')
    .orderBy('confirmed_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.result ?? null
}

/** From here on it may be in the air. */
export const markSent = async (db: Db, guard: EffectGuard, key: string, request: unknown): Promise<void> => {
  const { rows } = await sql`
    with held as (${heldBy(guard)})
    update effects set state = 'sent', epoch = ${guard.epoch}, sent_at = now(), failure = null,
      request = ${toJson(request ?? null)}::jsonb
    from held where effects.run_id = held.id and key = ${key}
    returning key`.execute(db)
  if (rows.length === 0) lost(guard)
}

export const confirmEffect = async (
  tx: Tx,
  guard: EffectGuard,
  effect: { key: string; kind: string; target: string },
  result: unknown,
  how: 'sent' | 'found',
): Promise<void> => {
  const { rows } = await sql`
    with held as (${heldBy(guard)})
    update effects set state = 'confirmed', result = ${toJson(result ?? null)}::jsonb, confirmed_at = now()
    from held where effects.run_id = held.id and key = ${effect.key}
    returning key`.execute(tx)
  if (rows.length === 0) lost(guard)
  await appendAudit(tx, {
    actor: 'journeyman',
    action: `effect.${effect.kind}`,
    runId: guard.runId,
    delivery: null,
    detail: { key: effect.key, target: effect.target, how },
  })
}

export const failEffect = async (db: Db, guard: EffectGuard, key: string, failure: unknown): Promise<void> => {
  await sql`
    with held as (${heldBy(guard)})
    update effects set failure = ${toJson(failure)}::jsonb
    from held where effects.run_id = held.id and key = ${key}`.execute(db)
}

export const getEffectResult = async (
  db: Db,
  runId: string,
  key: string,
): Promise<{ confirmed: boolean; result: unknown } | null> => {
  const row = await db
    .selectFrom('effects')
    .select(['state', 'result'])
    .where('run_id', '=', runId)
    .where('key', '=', key)
    .executeTakeFirst()
  return row ? { confirmed: row.state === 'confirmed', result: row.result } : null
}

/** The run's row, locked for share, if and only if the guard's claim still holds. */
export const heldBy = (guard: EffectGuard) =>
  guard.role === 'worker'
    ? sql`select id from workflow_executions
          where id = ${guard.runId} and epoch = ${guard.epoch} and lease_owner = ${guard.owner} and state = 'running' for share`
    : sql`select id from workflow_executions where id = ${guard.runId} and report_epoch = ${guard.epoch} for share`

export const lost = (guard: EffectGuard): never => {
  throw new JourneymanError(
    'stale_epoch',
    `This process may no longer write for ${guard.runId}; another has taken over.`,
  )
}

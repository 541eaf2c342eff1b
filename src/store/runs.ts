import { type Selectable, sql } from 'kysely'
import type { EffectGuard } from '../domain/effect.ts'
import type { Event, EventName } from '../domain/event.ts'
import { type Claim, liveStates, type Run, type RunLinks, type RunState } from '../domain/run.ts'
import type { Db, Tx } from './database.ts'
import { heldBy, lost } from './effects.ts'
import { toJson } from './json.ts'
import type { Tables } from './schema.ts'

type Row = Selectable<Tables['workflow_executions']>

export type NewRun = {
  id: string
  workflow: string
  definitionHash: string
  intentKey: string
  repository: string
  subject: string
  event: Event
  costCap: number
  tokenCap: number
  deadlineSeconds: number
  /** Events that a step of the definition may wait for. */
  waitsFor?: EventName[]
}

/** The run that stands for an intent. `late`: it lives, and somebody has asked for its stop. */
export type Standing = { id: string; joined: boolean; late: boolean }

/**
 * Inserts the runs whose intent no live run has, and gives for each intent key the run that stands for it now: the new one
 * or the live one. New ones in the order of their keys, then what is there in the order of its ids, so that two transactions
 * never wait for each other in a ring; `alsoLock` are runs that the caller will write to.
 */
export const insertRuns = async (tx: Tx, runs: NewRun[], alsoLock: string[] = []): Promise<Map<string, Standing>> => {
  const standing = new Map<string, Standing>()
  if (runs.length === 0 && alsoLock.length === 0) return standing
  const ordered = [...runs].sort((a, b) => (a.intentKey < b.intentKey ? -1 : 1))
  for (const row of await insertNew(tx, ordered))
    standing.set(row.intent_key, { id: row.id, joined: false, late: false })
  const missing = ordered.map((run) => run.intentKey).filter((key) => !standing.has(key))
  if (missing.length === 0 && alsoLock.length === 0) return standing
  for (const row of await lockLive(tx, missing, alsoLock)) {
    if (missing.includes(row.intent_key)) standing.set(row.intent_key, { id: row.id, joined: true, late: row.late })
  }
  // One that ended between the two statements stands in the way of nobody any more: once again, for those alone.
  const still = ordered.filter((run) => !standing.has(run.intentKey))
  if (still.length > 0) for (const [key, run] of await insertRuns(tx, still)) standing.set(key, run)
  return standing
}

const insertNew = async (tx: Tx, ordered: NewRun[]): Promise<{ id: string; intent_key: string }[]> => {
  if (ordered.length === 0) return []
  return tx
    .insertInto('workflow_executions')
    .values(ordered.map(valuesOf))
    .onConflict((conflict) =>
      conflict.column('intent_key').where('state', 'in', sql<RunState>`('queued', 'running', 'parked')`).doNothing(),
    )
    .returning(['id', 'intent_key'])
    .execute()
}

/** Whoever is just ending such a run must see who has joined it, or be seen to have ended it. */
const lockLive = async (tx: Tx, intentKeys: string[], ids: string[]) => {
  const query = tx
    .selectFrom('workflow_executions')
    .select(['id', 'intent_key', sql<boolean>`stop_requested_by is not null`.as('late')])
    .where((is) =>
      is.or([
        ...(intentKeys.length > 0 ? [is('intent_key', 'in', intentKeys)] : []),
        ...(ids.length > 0 ? [is('id', 'in', ids)] : []),
      ]),
    )
    .where('state', 'in', [...liveStates])
    .orderBy('id')
  // The stronger lock from the beginning: two that hold the weaker one would wait for each other.
  return (ids.length > 0 ? query.forNoKeyUpdate() : query.forShare()).execute()
}

const valuesOf = (run: NewRun) => ({
  id: run.id,
  workflow: run.workflow,
  definition_hash: run.definitionHash,
  intent_key: run.intentKey,
  repository: run.repository,
  installation: run.event.installation,
  subject: run.subject,
  actor: toJson(run.event.actor),
  event: toJson(run.event),
  state: 'queued' as const,
  cost_cap: run.costCap,
  token_cap: run.tokenCap,
  deadline_seconds: run.deadlineSeconds,
  waits_for: toJson(run.waitsFor ?? []),
})

export const getRun = async (db: Db, id: string): Promise<Run | null> => {
  const row = await db.selectFrom('workflow_executions').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? runOf(row) : null
}

export const listRuns = async (
  db: Db,
  filter: { subject?: string; repository?: string; limit: number },
): Promise<Run[]> => {
  let query = db.selectFrom('workflow_executions').selectAll().orderBy('created_at', 'desc').limit(filter.limit)
  if (filter.repository !== undefined) query = query.where('repository', '=', filter.repository)
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject)
  return (await query.execute()).map(runOf)
}

/** Whether this person was told the same on this ticket before. */
export const hasRefusedBefore = async (db: Db, run: Run, code: string): Promise<boolean> => {
  const row = await db
    .selectFrom('workflow_executions')
    .select('id')
    .where('repository', '=', run.repository)
    .where('subject', '=', run.subject)
    .where('state', '=', 'refused')
    .where('id', '!=', run.id)
    .where(sql<boolean>`actor->>'id' = ${run.actor.id} and failure->>'code' = ${code}`)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Live runs of one ticket or change, also by the change that they have opened, for a command that is about it; in an order
 * in which two may lock them.
 */
export const liveRunsOf = async (db: Db, repository: string, subject: string): Promise<Run[]> => {
  const rows = await runsAbout(db, repository, subject)
    .where('state', 'in', [...liveStates])
    .orderBy('id')
    .execute()
  return rows.map(runOf)
}

/** The same, of whatever state, newest first; null where there never was one. */
export const newestRunOf = async (db: Db, repository: string, subject: string): Promise<Run | null> => {
  const row = await runsAbout(db, repository, subject).orderBy('created_at', 'desc').limit(1).executeTakeFirst()
  return row ? runOf(row) : null
}

const runsAbout = (db: Db, repository: string, subject: string) =>
  db
    .selectFrom('workflow_executions')
    .selectAll()
    .where('repository', '=', repository)
    .where(sql<boolean>`(subject = ${subject} or 'change/' || (links->'change'->>'number') = ${subject})`)

/**
 * Something has come for a run that may wait: an answer, a signal, a wish to stop. A parked one may be claimed at once; a
 * worker that holds it just now will not park it. The caller enqueues its job.
 */
export const wakeRun = async (tx: Tx, id: string): Promise<void> => {
  await wakeRuns(tx, [id])
}

/** The same for several, which the caller has locked in the order of their ids; gives those that are live. */
export const wakeRuns = async (tx: Tx, ids: string[]): Promise<Set<string>> => {
  const rows = await tx
    .updateTable('workflow_executions')
    .set({ wake_at: null, woken: true })
    .where('id', 'in', ids)
    .where('state', 'in', [...liveStates])
    .returning('id')
    .execute()
  return new Set(rows.map((row) => row.id))
}

export const requestStop = async (tx: Tx | Db, id: string, by: string): Promise<boolean> => {
  const row = await tx
    .updateTable('workflow_executions')
    .set({ stop_requested_by: by, wake_at: null, woken: true, updated_at: sql`now()` })
    .where('id', '=', id)
    .where('state', 'in', [...liveStates])
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export const setBaseSha = async (tx: Tx | Db, claim: Claim, baseSha: string): Promise<void> => {
  await tx
    .updateTable('workflow_executions')
    .set({ base_sha: baseSha })
    .where('id', '=', claim.runId)
    .where('epoch', '=', claim.epoch)
    .execute()
}

/** Adds to what the outside shows of the run. Throws `stale_epoch` for whoever may not write for it any more. */
export const addLinks = async (db: Db, guard: EffectGuard, links: RunLinks): Promise<void> => {
  const { rows } = await sql`
    with held as (${heldBy(guard)})
    update workflow_executions set links = links || ${toJson(links)}::jsonb
    from held where workflow_executions.id = held.id
    returning held.id`.execute(db)
  if (rows.length === 0) lost(guard)
}

export const inSeconds = (seconds: number) => sql<Date>`now() + make_interval(secs => ${seconds}::float)`

export const runOf = (row: Row): Run => ({
  id: row.id,
  workflow: row.workflow,
  definitionHash: row.definition_hash,
  repository: row.repository,
  installation: row.installation,
  subject: row.subject,
  actor: row.actor,
  event: row.event,
  state: row.state,
  epoch: row.epoch,
  claims: row.claims,
  stopRequestedBy: row.stop_requested_by,
  wakeAt: row.wake_at,
  failure: row.failure,
  baseSha: row.base_sha,
  links: row.links,
  costCap: row.cost_cap,
  tokenCap: row.token_cap,
  createdAt: row.created_at,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
})

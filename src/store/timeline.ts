import { sql } from 'kysely'
import type { Failure } from '../domain/errors.ts'
import type { Event } from '../domain/event.ts'
import type { ApprovalState, FailedAttempt, StepState } from '../domain/run.ts'
import type { Db } from './database.ts'

/**
 * What has happened to a run, as its rows tell it: what a reader has seen up to a time can be left out. All of it is bounded
 * by the run's own limits on steps and turns.
 */
export type Happenings = {
  audit: { seq: number; at: Date; actor: string; action: string; detail: Record<string, unknown> }[]
  steps: StepHappening[]
  turns: { address: string; role: string; agent: string; ordinal: number; at: Date; tools: string[]; cost: number }[]
  failedEffects: { key: string; kind: string; target: string; at: Date; failure: Failure }[]
  approvals: ApprovalHappening[]
  signals: { id: number; at: Date; event: Event }[]
}

export type StepHappening = {
  address: string
  kind: string
  state: StepState
  attempts: number
  startedAt: Date
  attemptAt: Date
  finishedAt: Date | null
  failure: Failure | null
  reason: string | null
  retryInSeconds: number | null
  failedAttempts: FailedAttempt[]
}

export type ApprovalHappening = {
  address: string
  asked: number
  state: ApprovalState
  requestedAt: Date
  decidedAt: Date | null
  decidedBy: string | null
  comment: string | null
}

export const happenings = async (db: Db, runId: string, since: Date): Promise<Happenings> => ({
  audit: await auditSince(db, runId, since),
  steps: await stepsSince(db, runId, since),
  turns: await turnsSince(db, runId, since),
  failedEffects: await failedEffectsSince(db, runId, since),
  approvals: await approvalsSince(db, runId, since),
  signals: await signalsSince(db, runId, since),
})

const auditSince = async (db: Db, runId: string, since: Date): Promise<Happenings['audit']> => {
  const rows = await db
    .selectFrom('audit_log')
    .select(['seq', 'at', 'actor', 'action', 'detail'])
    .where('run_id', '=', runId)
    .where('at', '>=', since)
    .orderBy('seq')
    .execute()
  return rows.map((row) => ({ ...row, detail: row.detail as Record<string, unknown> }))
}

const stepsSince = async (db: Db, runId: string, since: Date): Promise<StepHappening[]> => {
  const rows = await db
    .selectFrom('step_executions')
    .select(['address', 'kind', 'state', 'attempts', 'failure', 'reason', 'started_at', 'attempt_at', 'finished_at'])
    .select('failed_attempts')
    .select(sql<number | null>`extract(epoch from retry_at - finished_at)::float`.as('wait'))
    .where('run_id', '=', runId)
    .where(sql<boolean>`greatest(started_at, attempt_at, finished_at) >= ${since}`)
    .orderBy('ordinal')
    .execute()
  return rows.map((row) => ({
    address: row.address,
    kind: row.kind,
    state: row.state,
    attempts: row.attempts,
    startedAt: row.started_at,
    attemptAt: row.attempt_at,
    finishedAt: row.finished_at,
    failure: row.failure,
    reason: row.reason,
    retryInSeconds: row.wait === null ? null : Math.max(0, Number(row.wait)),
    failedAttempts: row.failed_attempts,
  }))
}

/** Only the names of the tools: what they were called with may be large, and is for the transcript. */
const turnsSince = async (db: Db, runId: string, since: Date): Promise<Happenings['turns']> => {
  const { rows } = await sql<Happenings['turns'][number]>`
    select agent.address, agent.role, agent.id as agent, turn.ordinal, turn.started_at as at, turn.cost,
      coalesce((select jsonb_agg(block->>'name') from jsonb_array_elements(turn.response->'content') as block
        where block->>'type' = 'tool_use'), '[]') as tools
    from agent_turns as turn join agent_executions as agent on agent.id = turn.agent_id
    where agent.run_id = ${runId} and turn.started_at >= ${since}
    order by turn.started_at, turn.ordinal`.execute(db)
  return rows
}

const failedEffectsSince = async (db: Db, runId: string, since: Date): Promise<Happenings['failedEffects']> => {
  const rows = await db
    .selectFrom('effects')
    .select(['key', 'kind', 'target', 'failure', sql<Date>`coalesce(sent_at, intended_at)`.as('at')])
    .where('run_id', '=', runId)
    .where('failure', 'is not', null)
    .where('state', '!=', 'confirmed')
    .where(sql<boolean>`coalesce(sent_at, intended_at) >= ${since}`)
    .execute()
  return rows.map((row) => ({ ...row, failure: row.failure as Failure }))
}

const approvalsSince = async (db: Db, runId: string, since: Date): Promise<ApprovalHappening[]> => {
  const rows = await db
    .selectFrom('approvals')
    .select(['address', 'asked', 'state', 'requested_at', 'decided_at', 'decided_by', 'comment'])
    .where('run_id', '=', runId)
    .where(sql<boolean>`greatest(requested_at, decided_at) >= ${since}`)
    .execute()
  return rows.map((row) => ({
    address: row.address,
    asked: row.asked,
    state: row.state,
    requestedAt: row.requested_at,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
    comment: row.comment,
  }))
}

const signalsSince = async (db: Db, runId: string, since: Date): Promise<Happenings['signals']> => {
  const rows = await db
    .selectFrom('signals')
    .select(['id', 'received_at', 'event'])
    .where('run_id', '=', runId)
    .where('received_at', '>=', since)
    .orderBy('id')
    .execute()
  return rows.map((row) => ({ id: Number(row.id), at: row.received_at, event: row.event }))
}

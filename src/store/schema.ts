import type { ColumnType, Generated } from 'kysely'
import type { Failure } from '../domain/errors.ts'
import type { Actor, Event, EventName } from '../domain/event.ts'
import type { TokenUsage } from '../domain/money.ts'
import type {
  ApprovalState,
  Compensation,
  FailedAttempt,
  OnTimeout,
  RetryCounts,
  RunLinks,
  RunState,
  StepState,
} from '../domain/run.ts'
import type { Task } from '../domain/task.ts'

/** The tables as kysely knows them; `migrations/` is the truth, this follows it. */

/** A JSON column: read as its value, written as text (both drivers parse on the way out, neither writes arrays well). */
type Json<T> = ColumnType<T, string, string>
type JsonOrNull<T> = ColumnType<T | null, string | null | undefined, string | null>
/** bigint columns are read as numbers (see `database.ts`); all of ours stay far below 2^53. */
type Big = ColumnType<number, number | undefined, number>
type Time = ColumnType<Date, Date | undefined, Date>
type TimeOrNull = ColumnType<Date | null, Date | null | undefined, Date | null>

export type Tables = {
  projects: {
    id: string
    provider: string
    repository: string
    repository_url: string
    default_branch: string | null
    installation: string | null
    created_at: Time
    updated_at: Time
  }
  tasks: { provider: string; key: string; repository: string | null; data: Json<Task>; updated_at: Time }
  deliveries: {
    id: string
    provider: string
    delivery_id: string
    type: string
    body_hash: string
    body: string
    disposition: 'started' | 'joined' | 'signalled' | 'ignored'
    reason: string | null
    received_at: Time
  }
  workflow_definitions: {
    hash: string
    name: string
    source: string
    prompts: Json<Record<string, string>>
    created_at: Time
  }
  workflow_executions: {
    id: string
    workflow: string
    definition_hash: string
    intent_key: string
    repository: string
    installation: string | null
    subject: string
    actor: Json<Actor>
    event: Json<Event>
    state: RunState
    epoch: Big
    claims: Generated<number>
    lease_owner: string | null
    lease_until: TimeOrNull
    wake_at: TimeOrNull
    stop_requested_by: string | null
    acknowledged_at: TimeOrNull
    report_dirty: Generated<boolean>
    reported_at: TimeOrNull
    report_epoch: Big
    report_until: TimeOrNull
    report_after: TimeOrNull
    failure: JsonOrNull<Failure>
    base_sha: string | null
    links: ColumnType<RunLinks, string | undefined, string>
    cost_cap: ColumnType<number, number, number>
    token_cap: ColumnType<number, number, number>
    deadline_seconds: number
    parked_at: TimeOrNull
    waited_seconds: Generated<number>
    woken: Generated<boolean>
    waits_for: ColumnType<EventName[], string | undefined, string>
    concurrency_key: string | null
    created_at: Time
    started_at: TimeOrNull
    finished_at: TimeOrNull
    updated_at: Time
  }
  delivery_runs: {
    delivery: string
    run_id: string
    role: 'started' | 'joined' | 'signalled'
    event: JsonOrNull<Event>
    late: Generated<boolean>
  }
  step_executions: {
    run_id: string
    address: string
    name: string
    kind: string
    ordinal: number
    state: StepState
    attempts: Generated<number>
    epoch: Big
    result: JsonOrNull<unknown>
    failure: JsonOrNull<Failure>
    reason: string | null
    activity: string | null
    evaluated: JsonOrNull<Record<string, unknown>>
    snapshot: string | null
    retry_at: TimeOrNull
    memo: JsonOrNull<Record<string, unknown>>
    inputs: JsonOrNull<unknown>
    retries: ColumnType<RetryCounts, string | undefined, string>
    compensation: JsonOrNull<Compensation>
    finish_order: number | null
    attempt_at: Time
    failed_attempts: ColumnType<FailedAttempt[], string | undefined, string>
    started_at: Time
    finished_at: TimeOrNull
  }
  step_results: { run_id: string; address: string; data: string }
  agent_executions: {
    id: string
    run_id: string
    address: string
    attempt: number
    role: string
    model: string
    request: Json<unknown>
    state: 'running' | 'done' | 'failed'
    outcome: JsonOrNull<unknown>
    started_at: Time
    finished_at: TimeOrNull
  }
  agent_turns: {
    agent_id: string
    ordinal: number
    model: string
    response: Json<unknown>
    tool_results: JsonOrNull<unknown>
    snapshot: string | null
    usage: Json<TokenUsage>
    cost: Big
    started_at: Time
    finished_at: TimeOrNull
  }
  effects: {
    run_id: string
    key: string
    kind: string
    target: string
    state: 'intended' | 'sent' | 'confirmed' | 'failed'
    epoch: Big
    request: JsonOrNull<unknown>
    result: JsonOrNull<unknown>
    failure: JsonOrNull<Failure>
    intended_at: Time
    sent_at: TimeOrNull
    confirmed_at: TimeOrNull
  }
  approvals: {
    run_id: string
    address: string
    shown_hash: string
    shown: Json<unknown>
    approvers: Json<string[]>
    state: ApprovalState
    decided_by: string | null
    comment: string | null
    requested_at: Time
    expires_at: TimeOrNull
    decided_at: TimeOrNull
    asked: Generated<number>
    on_timeout: ColumnType<OnTimeout, OnTimeout | undefined, OnTimeout>
  }
  taken_commands: {
    command: string
  }
  signals: {
    id: Generated<number>
    run_id: string
    delivery: string | null
    ordinal: Generated<number>
    event: Json<Event>
    taken_by: string | null
    received_at: Time
  }
  concurrency_slots: { key: string; run_id: string }
  circuit_breakers: {
    service: string
    state: 'closed' | 'open' | 'half_open'
    failures: Generated<number>
    opened_at: TimeOrNull
    retry_at: TimeOrNull
    probe_owner: string | null
    last_failure: JsonOrNull<Failure>
    updated_at: Time
  }
  workspace_snapshots: {
    run_id: string
    commit_id: string
    parent_id: string | null
    bundle: Buffer
    created_at: Time
  }
  budgets: { scope: string; key: string; cap: Big; reserved: Big; settled: Big; overrun: Big }
  cost_tracking: {
    id: string
    run_id: string
    address: string
    agent_id: string | null
    turn: number | null
    model: string
    month: string
    state: 'reserved' | 'settled' | 'forfeited'
    reserved: Big
    cost: ColumnType<number | null, number | null | undefined, number | null>
    usage: JsonOrNull<TokenUsage>
    note: string | null
    created_at: Time
    settled_at: TimeOrNull
  }
  plugin_configurations: {
    category: string
    name: string
    enabled: Generated<boolean>
    settings: Json<unknown>
    updated_at: Time
  }
  audit_log: {
    seq: Big
    at: Time
    actor: string
    action: string
    run_id: string | null
    delivery: string | null
    detail: Json<unknown>
    previous: string
    hash: string
  }
  marks: { name: string; value: Json<unknown>; updated_at: Time }
}

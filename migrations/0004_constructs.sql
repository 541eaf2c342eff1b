-- The journal of constructs that hold others, and what a run waits for.
alter table step_executions
  add column memo          jsonb,             -- what the step had decided before its end: a loop's items, when a wait is over
  add column inputs        jsonb,             -- what a finished step had been given; for replay and for people
  add column retries       jsonb not null default '{}',  -- failed tries that were followed by another, by class of failure
  add column compensation  jsonb,             -- the call that undoes what the step did, its inputs as they were then
  add column finish_order  integer,           -- 1, 2, 3 … in the order in which the run's steps were done
  add column attempt_at    timestamptz not null default now();  -- when the present attempt was begun: its timeout counts from here

alter table workflow_executions
  add column parked_at        timestamptz,
  add column waited_seconds   double precision not null default 0,  -- parked time, which is no part of the run's own
  add column woken            boolean not null default false,       -- something came while a worker held the run: it must not park
  add column waits_for        jsonb not null default '[]',          -- events that a step of the definition may wait for
  add column concurrency_key  text;
create index runs_that_wait on workflow_executions (repository)
  where waits_for <> '[]' and state in ('queued', 'running', 'parked');

-- How often it was asked: an edit of what was shown voids the answer, and it is asked again.
alter table approvals
  add column asked       integer not null default 1,
  add column on_timeout  text not null default 'reject' check (on_timeout in ('approve', 'reject', 'fail'));
create index approvals_waiting on approvals (run_id) where state = 'waiting';

-- An event that came for a run that exists. Kept until a step takes it, so that it may come before the step waits for it.
create table signals (
  id           bigint generated always as identity primary key,
  run_id       text not null references workflow_executions (id),
  delivery     text references deliveries (id),
  event        jsonb not null,
  taken_by     text,                          -- the address of the step
  received_at  timestamptz not null default now(),
  unique (run_id, delivery)
);

-- Who holds a workflow's concurrency key. A row goes with the end of its run.
create table concurrency_slots (
  key     text primary key,
  run_id  text not null references workflow_executions (id)
);

-- One row per outside service that has failed of late: what all workers know of it.
create table circuit_breakers (
  service      text primary key,
  state        text not null check (state in ('closed', 'open', 'half_open')),
  failures     integer not null default 0,    -- in a row
  opened_at    timestamptz,
  retry_at     timestamptz,                   -- when one call may try whether the service is back
  probe_owner  text,                          -- who makes that call
  last_failure jsonb,
  updated_at   timestamptz not null default now()
);

-- Snapshots of work trees for workers on other hosts, as git bundles, while they are small.
create table workspace_snapshots (
  run_id      text not null references workflow_executions (id),
  commit_id   text not null,
  parent_id   text,                           -- the commit that the bundle builds upon
  bundle      bytea not null,
  created_at  timestamptz not null default now(),
  primary key (run_id, commit_id)
);

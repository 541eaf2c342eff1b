-- The nouns of Journeyman. Forward only: a later change is a later file.
-- Times that decide anything are the database's: now(). Money is whole micro-dollars (bigint).
-- Every noun has its own file in src/store/.

create table projects (
  id              text primary key,
  provider        text not null,
  repository      text not null,
  repository_url  text not null,
  default_branch  text,
  installation    text,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  unique (provider, repository)
);

create table tasks (
  provider    text not null,
  key         text not null,                  -- 'owner/name#12'
  repository  text,
  data        jsonb not null,                 -- the task in standard form, as last read
  updated_at  timestamptz not null default now(),
  primary key (provider, key)
);

-- One request from outside, as it arrived, its signature checked. Unique by the provider's own id and, within a
-- window that the inbox decides, by the hash of its body (an old signed body under a new id).
create table deliveries (
  id           text primary key,
  provider     text not null,
  delivery_id  text not null,
  type         text not null,
  body_hash    text not null,
  body         text not null,
  disposition  text not null check (disposition in ('started', 'joined', 'signalled', 'ignored')),
  reason       text,
  received_at  timestamptz not null default now(),
  unique (provider, delivery_id)
);
create index deliveries_by_body on deliveries (provider, body_hash);
create index deliveries_by_time on deliveries (received_at);

create table workflow_definitions (
  hash        text primary key,
  name        text not null,
  source      text not null,
  prompts     jsonb not null,                 -- name -> text: pinned with the definition
  created_at  timestamptz not null default now()
);

-- A run. Live ones are unique by intent, so that a label, a transition and a command for one ticket are one run.
create table workflow_executions (
  id                 text primary key,
  workflow           text not null,
  definition_hash    text not null references workflow_definitions (hash),
  intent_key         text not null,
  repository         text not null,
  installation       text,
  subject            text not null,
  actor              jsonb not null,
  event              jsonb not null,
  state              text not null check (state in ('queued', 'running', 'parked', 'done', 'failed', 'stopped', 'refused')),
  epoch              bigint not null default 0,
  claims             integer not null default 0,
  lease_owner        text,
  lease_until        timestamptz,
  wake_at            timestamptz,
  stop_requested_by  text,
  acknowledged_at    timestamptz,             -- permission looked up, eyes and comment sent
  report_dirty       boolean not null default true,
  reported_at        timestamptz,
  report_epoch       bigint not null default 0,  -- reporting has a lease of its own: it goes on when no worker does
  report_until       timestamptz,
  failure            jsonb,
  base_sha           text,
  links              jsonb not null default '{}',
  cost_cap           bigint not null,
  token_cap          bigint not null,
  deadline_seconds   integer not null,
  created_at         timestamptz not null default now(),
  started_at         timestamptz,
  finished_at        timestamptz,
  updated_at         timestamptz not null default now()
);
create unique index runs_live_by_intent on workflow_executions (intent_key) where state in ('queued', 'running', 'parked');
create index runs_to_reap on workflow_executions (lease_until) where state in ('queued', 'running', 'parked');
create index runs_by_subject on workflow_executions (repository, subject, created_at);
create index runs_to_report on workflow_executions (updated_at) where report_dirty;

create table delivery_runs (
  delivery  text not null references deliveries (id),
  run_id    text not null references workflow_executions (id),
  role      text not null check (role in ('started', 'joined', 'signalled')),
  primary key (delivery, run_id)
);

-- The journal.
create table step_executions (
  run_id       text not null references workflow_executions (id),
  address      text not null,
  name         text not null,
  kind         text not null,
  ordinal      integer not null,
  state        text not null check (state in ('running', 'done', 'failed', 'skipped')),
  attempts     integer not null default 0,
  epoch        bigint not null,
  result       jsonb,                         -- small results; a large one is in step_results
  failure      jsonb,
  reason       text,
  activity     text,
  evaluated    jsonb,                         -- variables of the definition that were first used here
  snapshot     text,                          -- the workspace after the step, where it changed it
  retry_at     timestamptz,
  started_at   timestamptz not null default now(),
  finished_at  timestamptz,
  primary key (run_id, address)
);

create table step_results (
  run_id   text not null,
  address  text not null,
  data     text not null,
  primary key (run_id, address),
  foreign key (run_id, address) references step_executions (run_id, address)
);

create table agent_executions (
  id           text primary key,
  run_id       text not null references workflow_executions (id),
  address      text not null,
  attempt      integer not null,
  role         text not null,
  model        text not null,
  request      jsonb not null,                -- what every turn shares: system prompt, tools, first message
  state        text not null check (state in ('running', 'done', 'failed')),
  outcome      jsonb,
  started_at   timestamptz not null default now(),
  finished_at  timestamptz,
  unique (run_id, address, attempt)
);

-- A turn: what the model answered, and what its tools gave back. Journalled in two writes: the answer when it has been
-- paid for, the results when the tools have run. `snapshot` is the state of the workspace after the turn.
create table agent_turns (
  agent_id      text not null references agent_executions (id),
  ordinal       integer not null,
  model         text not null,
  response      jsonb not null,
  tool_results  jsonb,
  snapshot      text,
  usage         jsonb not null,
  cost          bigint not null,
  started_at    timestamptz not null default now(),
  finished_at   timestamptz,
  primary key (agent_id, ordinal)
);

-- The effect ledger: each write to the outside.
create table effects (
  run_id        text not null references workflow_executions (id),
  key           text not null,
  kind          text not null,
  target        text not null,
  state         text not null check (state in ('intended', 'sent', 'confirmed', 'failed')),
  epoch         bigint not null,
  request       jsonb,
  result        jsonb,
  failure       jsonb,
  intended_at   timestamptz not null default now(),
  sent_at       timestamptz,
  confirmed_at  timestamptz,
  primary key (run_id, key)
);

create table approvals (
  run_id        text not null references workflow_executions (id),
  address       text not null,
  shown_hash    text not null,
  shown         jsonb not null,
  approvers     jsonb not null,
  state         text not null check (state in ('waiting', 'approved', 'rejected', 'voided', 'timed_out')),
  decided_by    text,
  comment       text,
  requested_at  timestamptz not null default now(),
  expires_at    timestamptz,
  decided_at    timestamptz,
  primary key (run_id, address)
);

-- Caps: one row each, locked while a reservation is made. settled + reserved <= cap holds for every row; an amount
-- above a cap can only come from a call whose price could not be known, and is kept in `overrun`.
create table budgets (
  scope     text not null,                    -- 'run' | 'month'
  key       text not null,                    -- run id | '2026-11'
  cap       bigint not null check (cap >= 0),
  reserved  bigint not null default 0 check (reserved >= 0),
  settled   bigint not null default 0 check (settled >= 0),
  overrun   bigint not null default 0 check (overrun >= 0),
  primary key (scope, key),
  check (settled + reserved <= cap)
);

create table cost_tracking (
  id          text primary key,
  run_id      text not null references workflow_executions (id),
  address     text not null,
  agent_id    text,
  turn        integer,
  model       text not null,
  month       text not null,
  state       text not null check (state in ('reserved', 'settled', 'forfeited')),
  reserved    bigint not null,
  cost        bigint,
  usage       jsonb,
  note        text,
  created_at  timestamptz not null default now(),
  settled_at  timestamptz
);
create index costs_by_run on cost_tracking (run_id, address);

create table plugin_configurations (
  category    text not null,
  name        text not null,
  enabled     boolean not null default true,
  settings    jsonb not null default '{}',
  updated_at  timestamptz not null default now(),
  primary key (category, name)
);

-- Append only; each row carries the hash of the one before it.
create table audit_log (
  seq        bigint primary key,
  at         timestamptz not null default now(),
  actor      text not null,
  action     text not null,
  run_id     text,
  delivery   text,
  detail     jsonb not null,
  previous   text not null,
  hash       text not null
);

-- Small facts that outlive a process: the reconciler's cursor, for one.
create table marks (
  name        text primary key,
  value       jsonb not null,
  updated_at  timestamptz not null default now()
);

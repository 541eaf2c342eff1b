-- What a delivery asked for that joined a run which nobody has admitted yet. Should that run be refused for the sake of who
-- began it, somebody else's asking must not go with it.
alter table delivery_runs add column event jsonb;
create index delivery_runs_by_run on delivery_runs (run_id);

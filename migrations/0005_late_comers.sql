-- Asked for when somebody had asked for the run's stop already: it gets a run of its own once that one has ended.
alter table delivery_runs add column late boolean not null default false;

-- One delivery may tell of several events (checks that are complete and have failed), and a run may wait for each.
alter table signals add column ordinal integer not null default 0;
alter table signals drop constraint signals_run_id_delivery_key;
alter table signals add constraint signals_once unique (run_id, delivery, ordinal);

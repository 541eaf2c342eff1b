-- Telling people of a run may fail for hours: the next try waits, longer each time, and one day after the end it is left.
alter table workflow_executions add column report_after timestamptz;

-- The rows of live runs are written every second. An index over what changes with each of those writes, a lease or a
-- time, would grow with all of them (and the embedded database has nobody who tidies it): so these name what stays.
drop index runs_to_reap;
create index runs_live on workflow_executions (created_at) where state in ('queued', 'running', 'parked');
drop index runs_to_report;
create index runs_to_report on workflow_executions (created_at) where report_dirty or report_until is not null;

-- Lists of all runs, newest first.
create index runs_by_time on workflow_executions (created_at);

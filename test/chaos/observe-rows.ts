/**
 * Triggers that watch every write while the processes are being killed: the database itself says when a row changed that
 * must not change any more, or was written under an epoch that was over. They know the tables and nothing of the engine.
 */
export const observeRows = `
create table chaos_violations (seq bigint generated always as identity, what text not null);
create table chaos_decisions (run_id text not null, address text not null, asked integer not null);
create table chaos_givings (run_id text not null);
create table chaos_reopenings (run_id text not null, claims integer not null);

create function chaos_note(what text) returns void language sql as
  $$ insert into chaos_violations (what) values (what) $$;

create function chaos_step() returns trigger language plpgsql as $$
declare run workflow_executions;
begin
  select * into run from workflow_executions where id = new.run_id;
  if tg_op = 'UPDATE' and old.state = 'done' and (new.state <> 'done' or new.result is distinct from old.result) then
    perform chaos_note(format('I4 %s %s was done and became %s', new.run_id, new.address, new.state));
  end if;
  if (tg_op = 'INSERT' or new.epoch <> old.epoch or new.state = 'done') and new.epoch <> run.epoch then
    perform chaos_note(format('I5 %s %s was written as %s under epoch %s, and the run has %s',
      new.run_id, new.address, new.state, new.epoch, run.epoch));
  end if;
  return null;
end $$;
create trigger chaos_step after insert or update on step_executions for each row execute function chaos_step();

create function chaos_run() returns trigger language plpgsql as $$
begin
  if old.state = 'failed' and new.state = 'queued' and new.epoch = old.epoch then
    insert into chaos_reopenings values (new.id, old.claims);
  elsif old.state not in ('queued', 'running', 'parked') and (new.state <> old.state or new.epoch <> old.epoch) then
    perform chaos_note(format('I6 %s had ended as %s and became %s', new.id, old.state, new.state));
  end if;
  if old.state = 'running' and new.state = 'queued' then
    insert into chaos_givings values (new.id);
  end if;
  if new.epoch < old.epoch then
    perform chaos_note(format('I5 the epoch of %s went back from %s to %s', new.id, old.epoch, new.epoch));
  end if;
  return null;
end $$;
create trigger chaos_run after update on workflow_executions for each row execute function chaos_run();

create function chaos_effect() returns trigger language plpgsql as $$
declare run workflow_executions;
begin
  select * into run from workflow_executions where id = new.run_id;
  if new.state = 'sent' and (tg_op = 'INSERT' or new.sent_at is distinct from old.sent_at)
    and new.epoch not in (run.epoch, run.report_epoch) then
    perform chaos_note(format('I5 %s sent %s under epoch %s, and the run has %s', new.run_id, new.key, new.epoch, run.epoch));
  end if;
  if tg_op = 'UPDATE' and old.state = 'confirmed' and new.state <> 'confirmed'
    and (new.key like 'comment:%' or new.kind = 'pull_request') then
    perform chaos_note(format('I2 %s had confirmed %s and it became %s', new.run_id, new.key, new.state));
  end if;
  return null;
end $$;
create trigger chaos_effect after insert or update on effects for each row execute function chaos_effect();

create function chaos_kept() returns trigger language plpgsql as $$
begin
  perform chaos_note(format('I4 a row of %s that is kept was changed: %s', tg_table_name, to_jsonb(old)));
  return null;
end $$;
create trigger chaos_turn after update of response, usage, cost on agent_turns for each row
  when (old.response is distinct from new.response or old.cost is distinct from new.cost) execute function chaos_kept();
create trigger chaos_turn_gone after delete on agent_turns for each row execute function chaos_kept();
create trigger chaos_charge after update on cost_tracking for each row
  when (old.state <> 'reserved' and (old.state <> new.state or old.cost is distinct from new.cost))
  execute function chaos_kept();
create trigger chaos_signal after update on signals for each row
  when (old.taken_by is not null and new.taken_by is distinct from old.taken_by) execute function chaos_kept();
create trigger chaos_audit after update or delete on audit_log for each row execute function chaos_kept();

create function chaos_approval() returns trigger language plpgsql as $$
begin
  if old.state = 'waiting' and new.state in ('approved', 'rejected') then
    insert into chaos_decisions values (new.run_id, new.address, new.asked);
  elsif old.state in ('approved', 'rejected') and new.state not in (old.state, 'voided') and new.asked = old.asked then
    perform chaos_note(format('I1 the answer to %s %s was %s and became %s', new.run_id, new.address, old.state, new.state));
  end if;
  return null;
end $$;
create trigger chaos_approval after update on approvals for each row execute function chaos_approval();
`

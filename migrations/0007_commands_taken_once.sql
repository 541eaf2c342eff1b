-- A command is taken once, also where it changes no run: what it was answered with then stands, whatever comes afterwards.
delete from obeyed_commands as one using obeyed_commands as other
  where one.command = other.command and one.run_id > other.run_id;
alter table obeyed_commands drop constraint obeyed_commands_pkey;
alter table obeyed_commands drop column run_id;
alter table obeyed_commands add primary key (command);

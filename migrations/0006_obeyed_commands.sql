-- What a command has come to, written with the change itself: a job that is done again finds it here, and does nothing twice.
create table obeyed_commands (
  command text not null,
  run_id  text not null references workflow_executions (id),
  primary key (command, run_id)
);

-- Commands that were taken, each once: what it was answered with then stands, whatever comes afterwards, and a job that is done
-- again finds it here.
create table taken_commands (command text primary key);

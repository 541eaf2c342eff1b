-- What became of the tries of a step before the present one, the latest twenty: { attempt, code, message, begunAt, at, finished },
-- `finished` being how many steps of the run were done when the next one began.
alter table step_executions add column failed_attempts jsonb not null default '[]';

-- The row of a step is written when it begins and again when it ends: with room in its page, the second leaves its index alone.
alter table step_executions set (fillfactor = 60);

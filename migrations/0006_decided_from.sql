-- Which command gave the answer, so that the same one is not taken for a second answer when its job is done again.
alter table approvals add column decided_from text;
create index approvals_decided_from on approvals (decided_from) where decided_from is not null;

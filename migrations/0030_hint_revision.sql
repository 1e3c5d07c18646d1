-- The head that a hint tells of, so that an agent that has it already need not look again; null where several were told of
-- before it asked, or none.
alter table hints add column revision text;

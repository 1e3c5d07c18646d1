-- A record of drift is of one repository, and is told how much room its history takes.

-- An owner that is no superuser sees rows of no organization while row security is forced on it.
alter table drift_records no force row level security;
alter table drift_spells no force row level security;

-- Two repositories that have a folder of one name have two records. Empty where none is named. No release has made records
-- under the shorter key, so that it can go at once.
alter table drift_records
    add column repository text not null default '',
    -- What the spells of it take.
    add column stored_bytes bigint not null default 0;
alter table drift_records drop constraint drift_records_organization_id_environment_tool_source_key;
alter table drift_records add unique (organization_id, environment, tool, source, repository);

-- What is in it, as JSON.
alter table drift_spells add column bytes bigint not null default 0;
update drift_spells set bytes = octet_length(items::text) + octet_length(not_looked_at::text);
update drift_records r
set stored_bytes = (select coalesce(sum(s.bytes), 0) from drift_spells s where s.record_id = r.id);

alter table drift_spells force row level security;
alter table drift_records force row level security;

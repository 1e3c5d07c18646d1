-- Places on branches go with the repository whose reads numbered them; looks that failed stay counted; no time is to come.

-- All at once, in the order in which reports and reads take them: what `alter table` takes later, while a request that has read
-- one of them waits for another, would end one of both.
lock table repositories, revisions, deploys, revision_looks, applied_revisions in access exclusive mode;

-- When a look was last given up because the host did not answer.
alter table revision_looks add column failed_at timestamptz;

alter table repositories no force row level security;
alter table revisions no force row level security;
alter table deploys no force row level security;
alter table applied_revisions no force row level security;

-- What was placed by a repository that was let go, and may have been connected again since.
update applied_revisions a set ordinal = null, lineage = null
where a.ordinal is not null
    and not exists (select from repositories r
                    where r.organization_id = a.organization_id and r.url = a.repository_url
                        and r.created_at <= a.applied_at)
    and not exists (select from repositories r join revisions v on v.repository_id = r.id
                    where r.organization_id = a.organization_id and r.url = a.repository_url and v.branch = a.branch
                        and v.revision = a.revision and v.ordinal = a.ordinal and v.lineage = a.lineage);
update deploys d set ordinal = null
where d.ordinal is not null
    and not exists (select from repositories r
                    where r.organization_id = d.organization_id and r.url = d.repository_url
                        and r.created_at <= d.received_at)
    and not exists (select from repositories r join revisions v on v.repository_id = r.id
                    where r.organization_id = d.organization_id and r.url = d.repository_url and v.branch = d.branch
                        and v.revision = d.revision and v.ordinal = d.ordinal);

-- Clocks that went ahead were taken for up to a day; the order stays.
with ahead as (
    select id, max(id) over () - id as before from applied_revisions where applied_at > now())
update applied_revisions a set applied_at = now() - ahead.before * interval '1 microsecond'
from ahead where a.id = ahead.id;
update applied_revisions set healthy_at = now() where healthy_at > now();

alter table applied_revisions force row level security;
alter table deploys force row level security;
alter table revisions force row level security;
alter table repositories force row level security;

-- A cluster reads the repositories that a person approved for it: that of its install manifest, and those named here.

create table cluster_repositories (
    cluster_id uuid not null references clusters on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    repository_id uuid not null references repositories on delete cascade,
    -- When a Sync of the cluster first asked for it.
    asked_at timestamptz not null default now(),
    -- Null while nobody said yes.
    approved_at timestamptz,
    primary key (cluster_id, repository_id)
);
create index cluster_repositories_asked on cluster_repositories (organization_id) where approved_at is null;
create index cluster_repositories_repository on cluster_repositories (repository_id);
alter table cluster_repositories enable row level security;
alter table cluster_repositories force row level security;
grant select, insert, update, delete on cluster_repositories to heddle_app;
create policy organization on cluster_repositories using (organization_id = (select heddle_organization()));

-- What is read already goes on being read. An owner that is no superuser sees rows of no organization while row security
-- is forced on it.
alter table syncs no force row level security;
alter table cluster_repositories no force row level security;
insert into cluster_repositories (cluster_id, organization_id, repository_id, approved_at)
select distinct s.cluster_id, s.organization_id, s.repository_id, now() from syncs s where s.repository_id is not null;
alter table syncs force row level security;
alter table cluster_repositories force row level security;

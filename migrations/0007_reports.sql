-- Reports of agents: taken once for each outbox, facts at the branch they are about, and what was not seen said so.

-- How far each outbox of an agent was taken. Two agents of a cluster may take turns, each with an outbox of its own.
-- Takes the place of `outboxes`, which remembers one a cluster and is dropped in a later release.
create table agent_outboxes (
    cluster_id uuid not null references clusters on delete cascade,
    epoch uuid not null,
    organization_id uuid not null references organizations on delete cascade,
    sequence bigint not null,
    taken_at timestamptz not null,
    primary key (cluster_id, epoch)
);
insert into agent_outboxes (cluster_id, epoch, organization_id, sequence, taken_at)
select cluster_id, epoch, organization_id, sequence, reported_at from outboxes;

-- Syncs whose spec cannot be read. One that could be read before has its last known state in `syncs` all the same.
create table sync_faults (
    cluster_id uuid not null references clusters on delete cascade,
    namespace text not null,
    name text not null,
    organization_id uuid not null references organizations on delete cascade,
    message text not null,
    since timestamptz not null,
    primary key (cluster_id, namespace, name)
);

-- Since when the agent has not seen the objects of the Sync; null while it sees them.
alter table syncs add column unseen_since timestamptz;

alter table clusters
    -- When a report was last taken. `last_seen_at` says only that the agent asks for something.
    add column last_report_at timestamptz,
    -- What the agent says of its reports that were refused; null when none was.
    add column rejected jsonb;
update clusters c set last_report_at = o.reported_at from outboxes o where o.cluster_id = c.id;

-- The number of the revision on the branch; null until a read has placed it, and where it is not on the branch.
alter table deploys add column ordinal bigint;
update deploys d set ordinal = v.ordinal
from repositories r join revisions v on v.repository_id = r.id
where d.organization_id = r.organization_id and d.repository_url = r.url and v.branch = d.branch
    and v.revision = d.revision and v.ordinal is not null;
-- What a Sync did from the merge of a change on.
create index deploys_of_sync on deploys (cluster_id, sync_namespace, sync_name, branch, ordinal)
    where ordinal is not null;
create index deploys_unplaced on deploys (organization_id, repository_url, branch, revision) where ordinal is null;

-- The changes that roll out.
create index changes_rolling on changes (repository_id, merged_ordinal) where ended is null and merged_ordinal is not null;

do $$
declare
    content text;
begin
    foreach content in array array['agent_outboxes', 'sync_faults'] loop
        execute format('alter table %I enable row level security', content);
        execute format('alter table %I force row level security', content);
        execute format('grant select, insert, update, delete on %I to heddle_app', content);
        execute format(
            'create policy organization on %I using (organization_id = (select heddle_organization()))', content);
    end loop;
end
$$;

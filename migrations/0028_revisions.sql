-- Where a commit is, and what ran when.

alter table revisions
    -- Grows where a branch was rewritten, or went on so far between two reads that nobody saw how: of two heads of one
    -- lineage the one with the higher number contains the other, of two lineages nothing is known.
    add column lineage bigint not null default 0,
    -- When a read first saw it on the branch; null where it stood there before the first read, or before this was kept.
    add column seen_at timestamptz,
    -- The pull request that brought it, as the host says.
    add column pull_request jsonb;
create index revisions_by_id on revisions (organization_id, revision text_pattern_ops);

-- Commits that stand beside a branch's own line, each with the first head that carries it: as its ancestor, or because a
-- pull request of which it was a commit became that head.
create table commits (
    repository_id uuid not null references repositories on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    branch text not null,
    revision text not null,
    carried_by text not null,
    committed_at timestamptz not null,
    author text not null,
    subject text not null,
    pull_request jsonb,
    seen_at timestamptz not null default now(),
    primary key (repository_id, branch, revision)
);
create index commits_by_id on commits (organization_id, revision text_pattern_ops);
create index commits_age on commits (organization_id, seen_at);

-- Commits that somebody looks for and no read has met, as they were asked for: an id or its beginning.
create table revision_looks (
    repository_id uuid not null references repositories on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    asked text not null,
    asked_at timestamptz not null default now(),
    -- Null until a read has looked.
    answered_at timestamptz,
    -- What was found; null where there is no such commit.
    answer jsonb,
    primary key (repository_id, asked)
);
create index revision_looks_open on revision_looks (repository_id, asked_at) where answered_at is null;
create index revision_looks_age on revision_looks (organization_id, asked_at);

-- Lists of images that were applied together. Most revisions run what the one before ran.
create table image_sets (
    organization_id uuid not null references organizations on delete cascade,
    hash bytea not null,
    images jsonb not null,
    used_at timestamptz not null default now(),
    primary key (organization_id, hash)
);

-- What each Sync applied as a whole, from when until when.
create table applied_revisions (
    id bigint generated always as identity primary key,
    organization_id uuid not null references organizations on delete cascade,
    cluster_id uuid not null references clusters on delete cascade,
    sync_namespace text not null,
    sync_name text not null,
    -- What it followed then.
    repository_url text not null,
    branch text not null,
    path text not null,
    revision text not null,
    -- The revision's place on its branch; null until a read has placed it, and where it is not on the branch.
    ordinal bigint,
    lineage bigint,
    -- By the agent's clock.
    applied_at timestamptz not null,
    -- Objects that differ from those of the revision before; null where the agent did not know.
    changed bigint,
    images_hash bytea not null,
    -- When all its objects were first seen healthy while it was the newest.
    healthy_at timestamptz,
    -- When the Sync was gone; what came after it ends it otherwise.
    ended_at timestamptz,
    unique (cluster_id, sync_namespace, sync_name, applied_at, revision)
);
-- The organization leads, because row security asks for it in every query.
create index applied_revisions_lines on applied_revisions
    (organization_id, cluster_id, sync_namespace, sync_name, branch, lineage, ordinal, applied_at);
create index applied_revisions_healthy on applied_revisions
    (organization_id, cluster_id, sync_namespace, sync_name, branch, lineage, ordinal) where healthy_at is not null;
create index applied_revisions_by_id on applied_revisions (organization_id, repository_url, branch, revision);
create index applied_revisions_times on applied_revisions
    (organization_id, cluster_id, sync_namespace, sync_name, applied_at, id);
create index applied_revisions_images on applied_revisions (organization_id, images_hash);
create index applied_revisions_age on applied_revisions (organization_id, applied_at);

-- What agents have told in the last weeks.
insert into image_sets (organization_id, hash, images)
select distinct on (organization_id, sha256(convert_to((what -> 'images')::text, 'UTF8')))
       organization_id, sha256(convert_to((what -> 'images')::text, 'UTF8')), what -> 'images'
from deploys where what ->> 'what' = 'applied';
insert into applied_revisions (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch, path,
                               revision, ordinal, lineage, applied_at, images_hash)
select d.organization_id, d.cluster_id, d.sync_namespace, d.sync_name, d.repository_url, d.branch, s.path, d.revision,
       d.ordinal, case when d.ordinal is not null then 0 end, d.at,
       sha256(convert_to((d.what -> 'images')::text, 'UTF8'))
from deploys d
-- The path of what was followed then is known where that is followed still.
join syncs s on s.cluster_id = d.cluster_id and s.namespace = d.sync_namespace and s.name = d.sync_name
    and s.repository_url = d.repository_url and s.branch = d.branch
where d.what ->> 'what' = 'applied'
on conflict do nothing;

do $$
declare
    content text;
begin
    foreach content in array array['commits', 'revision_looks', 'image_sets', 'applied_revisions'] loop
        execute format('alter table %I enable row level security', content);
        execute format('alter table %I force row level security', content);
        execute format('grant select, insert, update, delete on %I to heddle_app', content);
        execute format(
            'create policy organization on %I using (organization_id = (select heddle_organization()))', content);
    end loop;
end
$$;

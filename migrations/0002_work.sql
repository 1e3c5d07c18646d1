-- Work and its leases, what was seen in registries, repositories and clusters, and the facts of changes.

-- Work ------------------------------------------------------------------------------------------------------------

-- One row for each thing that is read, scanned or updated; it becomes due again and again. A routing table: ids only.
create table work (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references organizations on delete cascade,
    kind text not null check (kind in ('read', 'scan', 'update')),
    -- A repository, or for `scan` an image.
    subject_id uuid not null,
    -- Writes are serial per installation.
    installation_id bigint,
    -- Null: not before something asks for it.
    due_at timestamptz,
    -- Since when somebody waits for it; what only a timer asks for comes after.
    asked_at timestamptz,
    -- No event makes it due earlier: the far end said when to come again.
    not_before timestamptz,
    -- When the work that is leased asked to come back.
    next_at timestamptz,
    -- Counts what asked for it, so that what asks during a lease is not lost.
    generation bigint not null default 0,
    leased_generation bigint not null default 0,
    lease_id uuid unique,
    lease_expires_at timestamptz,
    leased_by text,
    fence bigint not null default 0,
    failures integer not null default 0,
    last_failure text,
    unique (kind, subject_id)
);
create index work_due on work (due_at) where due_at is not null;
create index work_leased_updates on work (installation_id) where kind = 'update' and lease_id is not null;

create sequence work_fence;

-- Automators by the name they give themselves.
create table automators (
    name text primary key,
    seen_at timestamptz not null
);

-- Webhooks that were taken, against replay.
create table deliveries (
    id text primary key,
    received_at timestamptz not null default now()
);
create index deliveries_received on deliveries (received_at);

-- Registries --------------------------------------------------------------------------------------------------------

create table images (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    image text not null,
    etag text,
    -- Whether the last scan read the list to its end.
    complete boolean not null default false,
    scanned_at timestamptz,
    error text,
    error_since timestamptz,
    unique (organization_id, image)
);

create table tags (
    organization_id uuid not null references organizations on delete cascade,
    image_id uuid not null references images on delete cascade,
    tag text not null,
    digest text,
    first_seen_at timestamptz not null,
    -- A notice's time.
    pushed_at timestamptz,
    -- Whether the last complete list held it.
    listed boolean not null,
    primary key (image_id, tag)
);

-- Repositories ------------------------------------------------------------------------------------------------------

create table reads (
    repository_id uuid primary key references repositories on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    -- Hash of what stands in the repository, to see that something changed.
    content_hash bytea not null,
    read_at timestamptz not null
);

-- First-parent revisions of a branch, numbered as they were read. Revisions beside the branch that agents reported have
-- the number of the newest first-parent revision that they contain, or none.
create table revisions (
    repository_id uuid not null references repositories on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    branch text not null,
    revision text not null,
    ordinal bigint,
    -- A head at some time: false for what only an agent reported.
    first_parent boolean not null,
    committed_at timestamptz,
    author text,
    subject text,
    primary key (repository_id, branch, revision)
);
create index revisions_heads on revisions (repository_id, branch, ordinal desc) where first_parent;

create table unknown_revisions (
    repository_id uuid not null references repositories on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    branch text not null,
    revision text not null,
    reported_at timestamptz not null default now(),
    primary key (repository_id, branch, revision)
);

create table environments (
    repository_id uuid not null references repositories on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    name text not null,
    path text not null,
    branch text not null,
    implicit boolean not null,
    position integer not null,
    primary key (repository_id, name)
);

-- Where an image stands, once for each environment whose closure holds the place (environment null: in none).
create table occurrences (
    id bigint generated always as identity primary key,
    repository_id uuid not null references repositories on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    branch text not null,
    file text not null,
    line integer not null,
    object text not null,
    field text not null,
    container text,
    image text not null,
    tag text,
    digest text,
    environment text,
    rule_line integer,
    mode text check (mode in ('commit', 'pull-request', 'observe')),
    -- The policy block; null where no rule governs, or the rule is broken.
    policy jsonb
);
create index occurrences_repository on occurrences (repository_id);
create index occurrences_image on occurrences (organization_id, image, environment);

create table findings (
    id bigint generated always as identity primary key,
    repository_id uuid not null references repositories on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    source text not null check (source in ('read', 'update')),
    branch text not null,
    file text not null,
    line integer not null,
    "column" integer not null,
    code text not null,
    message text not null,
    blocks boolean not null
);
create index findings_repository on findings (repository_id, source);

-- Changes -----------------------------------------------------------------------------------------------------------

create table proposals (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    repository_id uuid not null references repositories on delete cascade,
    mode text not null check (mode in ('commit', 'pull-request')),
    group_name text not null,
    base_branch text not null,
    head_branch text,
    -- announced: an intent was posted; open: it is in Git; then merged or closed; abandoned: it never came to be.
    state text not null check (state in ('announced', 'open', 'merged', 'closed', 'abandoned')),
    number bigint,
    url text,
    revision text,
    -- The head that we wrote last.
    head text,
    waits_for text,
    closed_reason text,
    created_at timestamptz not null default now(),
    settled_at timestamptz
);
create index proposals_open on proposals (repository_id) where state in ('announced', 'open');

create table changes (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    repository_id uuid not null references repositories on delete cascade,
    -- Higher is newer; tells apart the same bump made again.
    sequence bigint generated always as identity,
    branch text not null,
    environment text not null,
    image text not null,
    from_tag text,
    to_tag text not null,
    to_digest text,
    mode text not null check (mode in ('commit', 'pull-request', 'observe')),
    places jsonb not null,
    -- Hash of the places without file and line, sorted: what stays the same when a file moves.
    place_key text not null,
    diff text not null,
    why text not null,
    proposal_id uuid references proposals on delete set null,
    merged_revision text,
    merged_ordinal bigint,
    -- Taken back, replaced or gone: Git has nothing more to say about it.
    settled boolean not null default false,
    created_at timestamptz not null default now(),
    -- The end is kept, never recomputed.
    ended text check (ended in ('healthy', 'superseded', 'declined', 'reverted', 'retired', 'no-cluster')),
    ended_at timestamptz,
    end_seen_at timestamptz
);
create unique index changes_open on changes
    (repository_id, branch, environment, image, (coalesce(from_tag, '')), to_tag, (coalesce(to_digest, '')), place_key)
    where ended is null and not settled;
create index changes_in_flight on changes (organization_id, id) where ended is null;
create index changes_page on changes (organization_id, id);
create index changes_merged on changes (repository_id, branch, environment, image, place_key, sequence)
    where merged_ordinal is not null;
create index changes_proposal on changes (proposal_id);

create table intents (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    repository_id uuid not null references repositories on delete cascade,
    proposal_id uuid not null references proposals on delete cascade,
    base text not null,
    expected_head text,
    title text not null,
    body text not null,
    state text not null check (state in ('open', 'written', 'moved', 'abandoned')),
    revision text,
    reason text,
    created_at timestamptz not null default now(),
    settled_at timestamptz
);
create index intents_open on intents (repository_id) where state = 'open';

create table intent_changes (
    intent_id uuid not null references intents on delete cascade,
    change_id uuid not null references changes on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    primary key (intent_id, change_id)
);
create index intent_changes_change on intent_changes (change_id);

create table change_rollouts (
    change_id uuid not null references changes on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    cluster_id uuid not null references clusters on delete cascade,
    sync_namespace text not null,
    sync_name text not null,
    primary key (change_id, cluster_id, sync_namespace, sync_name)
);
create index change_rollouts_sync on change_rollouts (cluster_id, sync_namespace, sync_name);

create table facts (
    id bigint generated always as identity primary key,
    organization_id uuid not null references organizations on delete cascade,
    change_id uuid not null references changes on delete cascade,
    -- What makes two reports of the same thing one fact.
    key text not null,
    body jsonb not null,
    at timestamptz not null,
    seen_at timestamptz not null,
    unique (change_id, key)
);

-- Clusters ----------------------------------------------------------------------------------------------------------

-- How far an agent's outbox was taken.
create table outboxes (
    cluster_id uuid primary key references clusters on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    epoch uuid not null,
    sequence bigint not null,
    reported_at timestamptz not null
);

create table syncs (
    cluster_id uuid not null references clusters on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    namespace text not null,
    name text not null,
    repository_url text not null,
    -- Joined when a repository with this address is bound.
    repository_id uuid references repositories on delete set null,
    branch text not null,
    path text not null,
    environment text,
    suspended boolean not null,
    applied_revision text,
    attempted_revision text,
    health text not null,
    objects bigint not null,
    conditions jsonb not null,
    errors jsonb not null,
    drifts jsonb not null,
    stopped_prune jsonb,
    reported_at timestamptz not null,
    primary key (cluster_id, namespace, name)
);
create index syncs_repository on syncs (repository_id, branch);
create index syncs_url on syncs (organization_id, repository_url);

create table workloads (
    cluster_id uuid not null references clusters on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    sync_namespace text not null,
    sync_name text not null,
    kind text not null,
    namespace text not null,
    name text not null,
    health text not null,
    reason text,
    since timestamptz not null,
    images jsonb not null,
    reported_at timestamptz not null,
    primary key (cluster_id, namespace, name, kind, sync_namespace, sync_name),
    foreign key (cluster_id, sync_namespace, sync_name) references syncs on delete cascade
);
create index workloads_page on workloads (organization_id, cluster_id, namespace, name, kind);
create index workloads_sync on workloads (cluster_id, sync_namespace, sync_name);

-- What happened to Syncs; looked at again when a revision becomes known or a change is merged.
create table deploys (
    id bigint generated always as identity primary key,
    organization_id uuid not null references organizations on delete cascade,
    cluster_id uuid not null references clusters on delete cascade,
    sync_namespace text not null,
    sync_name text not null,
    repository_url text not null,
    branch text not null,
    revision text not null,
    at timestamptz not null,
    what jsonb not null,
    received_at timestamptz not null default now()
);
create unique index deploys_once on deploys (cluster_id, sync_namespace, sync_name, revision, at, md5(what::text));
create index deploys_revision on deploys (organization_id, repository_url, branch, revision);
create index deploys_received on deploys (cluster_id, received_at);

-- What an agent should look at, until it asks.
create table hints (
    id bigint generated always as identity primary key,
    organization_id uuid not null references organizations on delete cascade,
    cluster_id uuid not null references clusters on delete cascade,
    -- Null: report everything.
    repository_url text,
    branch text,
    unique nulls not distinct (cluster_id, repository_url, branch)
);

-- Row security ------------------------------------------------------------------------------------------------------

do $$
declare
    content text;
begin
    foreach content in array array[
        'work', 'images', 'tags', 'reads', 'revisions', 'unknown_revisions', 'environments', 'occurrences', 'findings',
        'proposals', 'changes', 'intents', 'intent_changes', 'change_rollouts', 'facts', 'outboxes', 'syncs',
        'workloads', 'deploys', 'hints'
    ] loop
        execute format('alter table %I enable row level security', content);
        execute format('alter table %I force row level security', content);
        execute format('grant select, insert, update, delete on %I to heddle_app', content);
        execute format(
            'create policy organization on %I using (organization_id = (select heddle_organization()))', content);
    end loop;
    foreach content in array array['automators', 'deliveries'] loop
        execute format('alter table %I enable row level security', content);
        execute format('alter table %I force row level security', content);
    end loop;
    -- Routing tables are open to the functions below, which run as the owner.
    foreach content in array array['work', 'automators', 'deliveries'] loop
        execute format('create policy routing on %I to current_user using (true)', content);
    end loop;
end
$$;

-- Narrow functions --------------------------------------------------------------------------------------------------

-- Leases one due piece of work, of any organization; with `updates_of`, an update of one of these repositories. At most
-- one update lease lives in an installation.
create function lease_work(automator text, seconds double precision, updates_of uuid[])
returns table (
    lease_id uuid, fence bigint, expires_at timestamptz, organization_id uuid, kind text, subject_id uuid
)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    candidate work;
    passed uuid[] := '{}';
begin
    insert into automators as known (name, seen_at) values (automator, now())
    on conflict (name) do update set seen_at = now() where known.seen_at < now() - interval '5 seconds';
    loop
        select * into candidate from work w
        where w.due_at <= now()
            and (w.lease_expires_at is null or w.lease_expires_at <= now())
            and w.id <> all (passed)
            and (updates_of is null or (w.kind = 'update' and w.subject_id = any (updates_of)))
        order by w.asked_at nulls last, w.due_at
        limit 1
        for update skip locked;
        if not found then
            return;
        end if;
        -- The lock makes two replicas that lease for one installation at once see each other.
        exit when candidate.kind <> 'update' or (
            pg_try_advisory_xact_lock(hashtextextended('heddle update', candidate.installation_id))
            and not exists (
                select from work o
                where o.kind = 'update' and o.installation_id = candidate.installation_id
                    and o.id <> candidate.id and o.lease_expires_at > now()
            )
        );
        passed := passed || candidate.id;
    end loop;
    return query
        update work w set
            lease_id = gen_random_uuid(),
            fence = nextval('work_fence'),
            leased_by = automator,
            lease_expires_at = now() + make_interval(secs => seconds),
            leased_generation = w.generation
        where w.id = candidate.id
        returning w.lease_id, w.fence, w.lease_expires_at, w.organization_id, w.kind, w.subject_id;
end;
$$;

-- When something becomes due next, after this transaction's now.
create function next_work_at() returns timestamptz
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select min(greatest(due_at, lease_expires_at)) from work
    where due_at is not null and greatest(due_at, lease_expires_at) > now();
end;

-- Whose work a lease is about.
create function find_lease(lease uuid)
returns table (organization_id uuid)
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select w.organization_id from work w where w.lease_id = lease;
end;

-- Notes a webhook; false when it was taken before. Those older than a week are forgotten.
create function use_delivery(delivery text) returns boolean
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    delete from deliveries where received_at < now() - interval '7 days';
    with noted as (insert into deliveries (id) values (delivery) on conflict do nothing returning 1)
    select exists (select from noted);
end;

-- When any automator last asked for work.
create function automator_seen_at() returns timestamptz
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select max(seen_at) from automators;
end;

-- Records of drift: what reporters found with Terraform, Ansible and the like, and what `drift:` asks for. What agents find
-- stands with their Syncs.

create table drift_records (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    environment text not null,
    tool text not null check (tool in ('kubernetes', 'terraform', 'ansible')),
    source text not null,
    created_at timestamptz not null default now(),
    unique (organization_id, environment, tool, source)
);

-- Whoever may report one record and nothing else. A revoked one stays for a while, so that what it said is marked.
create table reporters (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    record_id uuid not null references drift_records on delete cascade,
    name text not null,
    secret_hash bytea not null unique,
    created_by text not null,
    created_at timestamptz not null default now(),
    reported_at timestamptz,
    revoked_at timestamptz
);
create index reporters_organization on reporters (organization_id, id);
create index reporters_record on reporters (record_id);

-- Looks in a row that found the same things in the same places; what is in it is the last one's.
create table drift_spells (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    record_id uuid not null references drift_records on delete cascade,
    -- Null when the reporter was revoked and is forgotten.
    reporter_id uuid references reporters on delete set null,
    reporter_name text not null,
    found text not null check (found in ('same', 'differs', 'unknown')),
    -- Since when each look found that, over spells.
    found_since timestamptz not null,
    -- Of the things and their places, not of their values.
    places_hash bytea not null,
    look_id uuid not null,
    looks bigint not null default 1,
    first_at timestamptz not null,
    begun_at timestamptz not null,
    last_at timestamptz not null,
    commit text,
    program text not null,
    version text,
    reason text,
    differences bigint not null,
    items jsonb not null,
    more bigint not null,
    not_looked_at jsonb not null,
    more_not_looked_at bigint not null,
    failure text,
    plan_hash text
);
create index drift_spells_record on drift_spells (record_id, last_at desc);
create index drift_spells_reporter on drift_spells (reporter_id);
create index drift_spells_age on drift_spells (organization_id, last_at);

create table drift_expectations (
    organization_id uuid not null references organizations on delete cascade,
    repository_id uuid not null references repositories on delete cascade,
    record_id uuid not null references drift_records on delete cascade,
    every_secs bigint not null,
    line integer not null,
    asked_at timestamptz not null,
    primary key (repository_id, record_id)
);
create index drift_expectations_record on drift_expectations (record_id);
create index drift_expectations_organization on drift_expectations (organization_id);

do $$
declare
    content text;
begin
    foreach content in array array['drift_records', 'reporters', 'drift_spells', 'drift_expectations'] loop
        execute format('alter table %I enable row level security', content);
        execute format('alter table %I force row level security', content);
        execute format('grant select, insert, update, delete on %I to heddle_app', content);
        execute format(
            'create policy organization on %I using (organization_id = (select heddle_organization()))', content);
    end loop;
end
$$;
create policy routing on reporters to current_user using (true);

-- Whose token it is.
create function find_reporter(hash bytea)
returns table (reporter_id uuid, organization_id uuid, record_id uuid, revoked boolean)
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select r.id, r.organization_id, r.record_id, r.revoked_at is not null from reporters r where r.secret_hash = hash;
end;

-- Logins of organizations to registries, each with a secret that is sealed with a key which is not in here.

create table registry_logins (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    -- As images name it.
    host text not null,
    -- Images whose path is this or lies below it; empty: all of the host.
    prefix text not null,
    kind text not null check (kind in ('basic', 'identity-token', 'ecr', 'gar', 'acr')),
    -- For people to know it again: who it says it is, and the end of its secret.
    user_name text not null,
    last_four text not null,
    -- The token server at another host that somebody confirmed.
    auth_host text,
    sealed bytea not null,
    -- The id of the key that opens it.
    sealed_with bytea not null,
    -- Another one each time that the login is entered: what was found with one is not taken for found with another.
    version uuid not null,
    added_by text not null,
    added_at timestamptz not null default now(),
    -- Its last use, how that ended (`works`, `refused`, `denied`, `token-server`, `failed`) and why.
    used_at timestamptz,
    use_state text,
    use_reason text,
    -- The token server that the registry named and that the secret was not sent to.
    offered_host text,
    -- The last test: which image, since when it waits, and how it ended.
    test_image text,
    test_asked_at timestamptz,
    tested_at timestamptz,
    test_passed boolean,
    test_reason text,
    unique (organization_id, host, prefix)
);
create index registry_logins_sealed_with on registry_logins (organization_id, sealed_with);
alter table registry_logins enable row level security;
alter table registry_logins force row level security;
grant select, insert, update, delete on registry_logins to heddle_app;
create policy organization on registry_logins using (organization_id = (select heddle_organization()));

-- With which login the list of tags and its entity tag were read; null: with none.
alter table images add column listed_with uuid;

-- A login is tried by an automator: the API speaks to no registry.
alter table work drop constraint work_kind_check;
alter table work add constraint work_kind_check check (kind in ('read', 'scan', 'update', 'test'));

-- Accounts, organizations, credentials, config repositories, clusters, audit.
--
-- Three kinds of tables:
-- * content: forced row security by `heddle.organization`, which one function in heddle-db sets per transaction;
-- * identity (people): policies by `heddle.user`;
-- * routing (ids and hashes that tell whose a request is): read by the functions at the end, which run as the owner.
-- The application works as `heddle_app`, which owns nothing and passes no policy.

do $$
begin
    create role heddle_app nologin nosuperuser nobypassrls noinherit;
exception when duplicate_object or unique_violation then
    null; -- Roles belong to the server, and another database of it made this one.
end
$$;
do $$
begin
    execute format('grant heddle_app to %I', current_user);
exception when duplicate_object or unique_violation then
    null;
end
$$;
grant usage on schema public to heddle_app;

create function heddle_organization() returns uuid language sql stable
return nullif(current_setting('heddle.organization', true), '')::uuid;

create function heddle_user() returns uuid language sql stable
return nullif(current_setting('heddle.user', true), '')::uuid;

-- People ---------------------------------------------------------------------------------------------------------

create table users (
    id uuid primary key,
    email text not null check (email = lower(email)),
    name text not null,
    password_hash text not null,
    github_id bigint unique,
    github_login text,
    github_proved_at timestamptz,
    created_at timestamptz not null default now(),
    unique (email)
);

-- The repositories that GitHub named when the person signed in there, and that they administer. Worth something for an
-- hour; the person's token is not kept.
create table github_grants (
    user_id uuid not null references users on delete cascade,
    installation_id bigint not null,
    name text not null,
    default_branch text not null,
    private boolean not null,
    primary key (user_id, name)
);

create table organizations (
    id uuid primary key,
    name text not null,
    created_at timestamptz not null default now()
);

create table memberships (
    organization_id uuid not null references organizations on delete cascade,
    user_id uuid not null references users on delete cascade,
    role text not null check (role in ('viewer', 'operator', 'admin', 'owner')),
    created_at timestamptz not null default now(),
    primary key (organization_id, user_id)
);
create index memberships_user on memberships (user_id);

create table invitations (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    email text not null check (email = lower(email)),
    role text not null check (role in ('viewer', 'operator', 'admin', 'owner')),
    secret_hash bytea not null unique,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    accepted_at timestamptz
);

-- Failed and counted tries of logins, sign-ups and enrollments, by hash of address or account.
create table attempts (
    subject bytea not null,
    at timestamptz not null default now()
);
create index attempts_subject on attempts (subject, at);

-- Credentials of people and programs --------------------------------------------------------------------------------

create table sessions (
    id uuid primary key,
    secret_hash bytea not null unique,
    user_id uuid not null references users on delete cascade,
    user_agent text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index sessions_user on sessions (user_id);

-- What a browser took to GitHub's sign-in and must bring back.
create table github_sign_ins (
    state_hash bytea primary key,
    session_id uuid not null references sessions on delete cascade,
    organization_id uuid,
    created_at timestamptz not null default now()
);

create table tokens (
    id uuid primary key,
    secret_hash bytea not null unique,
    user_id uuid not null references users on delete cascade,
    organization_id uuid not null references organizations on delete cascade,
    role text not null check (role in ('viewer', 'operator', 'admin', 'owner')),
    name text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    last_used_at timestamptz
);
create index tokens_user on tokens (user_id);

-- GitHub ----------------------------------------------------------------------------------------------------------

create table repositories (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    installation_id bigint not null,
    name text not null,
    url text not null,
    default_branch text not null,
    private boolean not null,
    connected_by uuid references users on delete set null,
    created_at timestamptz not null default now(),
    unique (organization_id, id)
);
-- A repository is bound to at most one organization.
create unique index repositories_url on repositories (url);
create index repositories_installation on repositories (installation_id);

create table receivers (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    name text not null,
    secret_hash bytea not null unique,
    created_at timestamptz not null default now(),
    last_notice_at timestamptz
);

-- Clusters ----------------------------------------------------------------------------------------------------------

create table clusters (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    name text not null,
    -- What the install manifest says its first Sync follows; only for writing that manifest again.
    first_sync jsonb not null,
    created_at timestamptz not null default now(),
    enrolled_at timestamptz,
    -- All its keys are out; a new manifest lets it in again.
    revoked_at timestamptz,
    -- Deleted by a person: it is shown no more, its history stays.
    retired_at timestamptz,
    last_seen_at timestamptz,
    agent_version text,
    kubernetes_version text,
    agent_started_at timestamptz,
    unique (organization_id, id)
);
create unique index clusters_name on clusters (organization_id, name) where retired_at is null;

create table bootstrap_tokens (
    secret_hash bytea primary key,
    organization_id uuid not null references organizations on delete cascade,
    cluster_id uuid not null references clusters on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);

create table cluster_keys (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    cluster_id uuid not null references clusters on delete cascade,
    public_key bytea not null unique check (length(public_key) = 32),
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index cluster_keys_cluster on cluster_keys (cluster_id);

-- Audit -------------------------------------------------------------------------------------------------------------

-- Entries of no organization are about a person alone: sign-up, login, sessions.
create table audit (
    id uuid primary key,
    organization_id uuid references organizations on delete cascade,
    user_id uuid,
    at timestamptz not null default now(),
    actor text not null,
    via text not null,
    action text not null,
    object text not null,
    details jsonb not null default '{}',
    request_id text not null
);
create index audit_organization on audit (organization_id, id);

-- Row security ------------------------------------------------------------------------------------------------------

do $$
declare
    content text;
begin
    foreach content in array array[
        'organizations', 'memberships', 'users', 'github_grants', 'invitations', 'attempts', 'sessions',
        'github_sign_ins', 'tokens', 'repositories', 'receivers', 'clusters', 'bootstrap_tokens', 'cluster_keys', 'audit'
    ] loop
        execute format('alter table %I enable row level security', content);
        execute format('alter table %I force row level security', content);
        execute format('grant select, insert, update, delete on %I to heddle_app', content);
    end loop;
    foreach content in array array[
        'memberships', 'invitations', 'tokens', 'repositories', 'receivers', 'clusters', 'bootstrap_tokens',
        'cluster_keys', 'audit'
    ] loop
        execute format(
            'create policy organization on %I using (organization_id = (select heddle_organization()))', content);
    end loop;
    -- Routing and identity tables are open to the functions below, which run as the owner.
    foreach content in array array[
        'organizations', 'memberships', 'users', 'invitations', 'attempts', 'sessions', 'github_sign_ins', 'tokens',
        'repositories', 'receivers', 'clusters', 'bootstrap_tokens', 'cluster_keys'
    ] loop
        execute format('create policy routing on %I to current_user using (true)', content);
    end loop;
end
$$;

create policy member on memberships using (user_id = (select heddle_user()));
create policy organization on organizations using (
    id = (select heddle_organization())
    or id in (select organization_id from memberships where user_id = (select heddle_user()))
);
create policy own on users using (id = (select heddle_user()));
create policy fellow on users for select using (
    id in (select user_id from memberships where organization_id = (select heddle_organization()))
);
create policy own on github_grants using (user_id = (select heddle_user()));
create policy own on sessions using (user_id = (select heddle_user()));
create policy own on tokens using (user_id = (select heddle_user()));
create policy own on github_sign_ins using (
    session_id in (select id from sessions where user_id = (select heddle_user()))
);
create policy own on audit using (organization_id is null and user_id = (select heddle_user()));

-- Narrow functions --------------------------------------------------------------------------------------------------

-- What a login needs, before anybody is known.
create function find_login(address text)
returns table (user_id uuid, password_hash text)
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select id, users.password_hash from users where email = find_login.address;
end;

create function has_users() returns boolean
language sql stable security definer set search_path = public, pg_temp
return exists (select from users);

-- Counts the tries of a subject since `since` and adds one; tries older than a day are forgotten.
create function count_attempt(attempted bytea, since timestamptz) returns bigint
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    delete from attempts where subject = attempted and at < now() - interval '1 day';
    insert into attempts (subject) values (attempted);
    select count(*) from attempts where subject = attempted and at >= since;
end;

create function forget_attempts(attempted bytea) returns void
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    delete from attempts where subject = attempted;
end;

-- Whose session it is. Its use is noted to the minute, and keeps it alive for another week, at most until its end.
create function use_session(hash bytea)
returns table (session_id uuid, user_id uuid, email text)
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    update sessions set last_used_at = now()
    where secret_hash = hash and last_used_at < now() - interval '1 minute' and last_used_at > now() - interval '7 days';
    select sessions.id, users.id, users.email from sessions join users on users.id = sessions.user_id
    where secret_hash = hash and expires_at > now() and last_used_at > now() - interval '7 days';
end;

-- Whose API token it is.
create function use_token(hash bytea)
returns table (token_id uuid, user_id uuid, organization_id uuid, role text, name text)
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    update tokens set last_used_at = now()
    where secret_hash = hash and (last_used_at is null or last_used_at < now() - interval '1 minute');
    select tokens.id, tokens.user_id, tokens.organization_id, tokens.role, tokens.name from tokens
    where secret_hash = hash and expires_at > now();
end;

-- What an agent's signature is checked against.
create function find_cluster_key(key uuid)
returns table (organization_id uuid, cluster_id uuid, public_key bytea, revoked boolean, last_seen_at timestamptz)
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select k.organization_id, k.cluster_id, k.public_key,
        k.revoked_at is not null or c.revoked_at is not null or c.retired_at is not null, c.last_seen_at
    from cluster_keys k join clusters c on c.id = k.cluster_id
    where k.id = key;
end;

-- Uses up a bootstrap token: whose it is, once and in time.
create function use_bootstrap_token(hash bytea)
returns table (organization_id uuid, cluster_id uuid, fresh boolean)
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    with used as (
        update bootstrap_tokens b set used_at = now()
        from clusters c
        where b.secret_hash = hash and b.used_at is null and b.expires_at > now()
            and c.id = b.cluster_id and c.retired_at is null
        returning b.organization_id, b.cluster_id
    )
    select b.organization_id, b.cluster_id, exists (select from used)
    from bootstrap_tokens b where b.secret_hash = hash;
end;

-- Whose notices these are.
create function find_receiver(receiver uuid)
returns table (organization_id uuid, secret_hash bytea)
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select r.organization_id, r.secret_hash from receivers r where r.id = receiver;
end;

-- Which repository an address names.
create function find_repository_by_url(address text)
returns table (organization_id uuid, repository_id uuid, installation_id bigint)
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select r.organization_id, r.id, r.installation_id from repositories r where r.url = address;
end;

-- What an installation's end concerns.
create function find_repositories_of_installation(installation bigint)
returns table (organization_id uuid, repository_id uuid)
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select r.organization_id, r.id from repositories r where r.installation_id = installation;
end;

-- An invitation as its bearer sees it.
create function find_invitation(hash bytea)
returns table (invitation_id uuid, organization_id uuid, email text, role text)
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select i.id, i.organization_id, i.email, i.role from invitations i
    where i.secret_hash = hash and i.accepted_at is null and i.expires_at > now();
end;

-- What a browser took to GitHub, once, within ten minutes.
create function use_github_sign_in(hash bytea)
returns table (session_id uuid, user_id uuid, organization_id uuid)
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    with used as (
        delete from github_sign_ins where state_hash = hash
        returning session_id, organization_id, created_at
    )
    select used.session_id, sessions.user_id, used.organization_id
    from used join sessions on sessions.id = used.session_id
    where used.created_at > now() - interval '10 minutes';
end;

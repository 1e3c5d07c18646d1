-- The newest migration that was run, for whoever looks after an installation. Late bound: the table is of who migrates.
create function schema_version() returns bigint
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    return (select coalesce(max(version), 0) from _sqlx_migrations where success);
end
$$;

-- Who looks after the installation: its settings, numbers and accounts, and no organization's content. Written on the host, as the
-- owner of the tables; the application may see whether its asker is one.
create table administrators (
    user_id uuid primary key references users on delete cascade,
    added_at timestamptz not null default now()
);
alter table administrators enable row level security;
alter table administrators force row level security;
create policy owner on administrators to current_user using (true);
create policy own on administrators for select to heddle_app using (user_id = (select heddle_user()));
grant select on administrators to heddle_app;

-- Links by which a person chooses a new password, once. Made on the host by the owner of the tables; a newer one ends the older one.
create table password_links (
    user_id uuid primary key references users on delete cascade,
    secret_hash bytea not null unique,
    expires_at timestamptz not null
);
alter table password_links enable row level security;
alter table password_links force row level security;
create policy owner on password_links to current_user using (true);

-- Whose link it is, if it has not ended.
create function find_password_link(hash bytea) returns uuid
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select user_id from password_links where secret_hash = hash and expires_at > now();
end;

-- Takes a link; null when it has ended, or somebody else took it meanwhile.
create function use_password_link(hash bytea) returns uuid
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    with used as (delete from password_links where secret_hash = hash and expires_at > now() returning user_id)
    select user_id from used;
end;

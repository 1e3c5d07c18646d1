-- Tries that are counted before they are made, browsers that an account knows, and policies that let a person read what is
-- theirs and write it in their organization alone.

-- Counts one more try of a subject when there were fewer than `most` since `since`, and says whether it may be made. Of
-- several at once each waits here for the one before; one that may not be made is not counted.
create function take_attempt(attempted bytea, since timestamptz, most bigint) returns boolean
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    select pg_advisory_xact_lock(hashtextextended(encode(attempted, 'hex'), 0));
    delete from attempts where subject = attempted and at < now() - interval '1 day';
    with told as (
        insert into attempts (subject)
        select attempted where (select count(*) from attempts where subject = attempted and at >= since) < most
        returning 1
    )
    select exists (select from told);
end;

-- Browsers in which somebody logged in. Who comes from one is not stopped by what strangers try elsewhere.
create table devices (
    secret_hash bytea primary key,
    user_id uuid not null references users on delete cascade,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now()
);
create index devices_user on devices (user_id, last_used_at);
alter table devices enable row level security;
alter table devices force row level security;
grant select, insert, update, delete on devices to heddle_app;
create policy own on devices using (user_id = (select heddle_user()));
create policy routing on devices to current_user using (true);

-- Whose browser it is.
create function find_device(hash bytea) returns uuid
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select user_id from devices where secret_hash = hash and last_used_at > now() - interval '1 year';
end;

create function sweep_devices() returns void
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    delete from devices where last_used_at < now() - interval '1 year';
end;

-- A person sees their memberships, tokens and organizations; they are written in the organization's own transactions.
drop policy member on memberships;
create policy member on memberships for select using (user_id = (select heddle_user()));
drop policy own on tokens;
create policy own on tokens for select using (user_id = (select heddle_user()));
drop policy organization on organizations;
create policy organization on organizations using (id = (select heddle_organization()));
create policy member on organizations for select using (
    id in (select organization_id from memberships where user_id = (select heddle_user()))
);
-- What is on record about a person stays as it is.
drop policy own on audit;
create policy own on audit for select using (organization_id is null and user_id = (select heddle_user()));
create policy own_entry on audit for insert with check (
    organization_id is null and user_id = (select heddle_user())
);

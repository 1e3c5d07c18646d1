-- What registries let be read and how much they may be asked; automators that organizations run themselves.

alter table images
    -- Why it cannot be read, where that is its login or the lack of one.
    add column fault text check (fault in ('no-login', 'refused', 'denied', 'token-server', 'unreadable')),
    -- Which login that is; null: none.
    add column fault_login uuid references registry_logins on delete set null;
create index images_fault on images (organization_id) where fault is not null;

-- Automators of an organization, each with a token of its own: they scan the registries that they serve and nothing else.
create table own_automators (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    name text not null,
    -- The registries that it serves: hosts, or `*.` and the end of some.
    hosts text[] not null,
    secret_hash bytea not null unique,
    added_by text not null,
    added_at timestamptz not null default now(),
    seen_at timestamptz,
    unique (organization_id, name)
);

-- How much a registry may be asked, by one organization with one login. All automators share it.
create table registry_hosts (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references organizations on delete cascade,
    -- As images name it.
    host text not null,
    -- Null: with none.
    login_id uuid references registry_logins on delete cascade,
    -- The organization's own automator that serves it, and nobody else.
    claimed_by uuid references own_automators on delete set null,
    -- Nothing is asked there before.
    not_before timestamptz,
    -- Scans at once.
    at_once integer not null,
    -- How often in a row it asked for fewer requests.
    throttled integer not null default 0,
    -- What it said last of its limit; null: nothing.
    "limit" bigint,
    remaining bigint,
    resets_at timestamptz,
    -- Since when it is asked less than it could be; null while it is not.
    slow_since timestamptz,
    unique nulls not distinct (organization_id, host, login_id)
);
create index registry_hosts_resting on registry_hosts (not_before) where not_before is not null or claimed_by is not null;

-- Where a scan asks. Null: not found out yet.
alter table work add column host_id uuid references registry_hosts on delete set null;
create index work_host on work (host_id) where host_id is not null;
create index work_unplaced on work (organization_id) where kind = 'scan' and host_id is null;
create index work_host_leased on work (host_id) where lease_id is not null;

do $$
declare
    content text;
begin
    foreach content in array array['own_automators', 'registry_hosts'] loop
        execute format('alter table %I enable row level security', content);
        execute format('alter table %I force row level security', content);
        execute format('grant select, insert, update, delete on %I to heddle_app', content);
        execute format(
            'create policy organization on %I using (organization_id = (select heddle_organization()))', content);
        -- Open to the functions below, which run as the owner.
        execute format('create policy routing on %I to current_user using (true)', content);
    end loop;
end
$$;

-- The hosts at which no scan may begin: what they said, who serves them, or as many scans as may be. A host in
-- `claimed_too` is only left out for what it said.
create function list_resting_hosts(claimed_too boolean) returns uuid[]
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select array(
        select h.id from registry_hosts h
        where (h.not_before is not null or h.claimed_by is not null)
            and (h.not_before > now() or (not claimed_too and h.claimed_by is not null))
        union all
        select o.host_id from work o join registry_hosts h on h.id = o.host_id
        where o.lease_id is not null group by o.host_id, h.at_once having count(*) >= h.at_once);
end;
revoke execute on function list_resting_hosts(boolean) from public;

-- Takes one of the places at a host for this transaction; false when all are taken, or another transaction takes one at
-- this moment.
create function take_host(place uuid) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
    return place is null or (
        pg_try_advisory_xact_lock(hashtextextended('heddle host', 0) # hashtextextended(place::text, 0))
        and (select count(*) from work o where o.host_id = place and o.lease_id is not null)
            < (select h.at_once from registry_hosts h where h.id = place));
end;
$$;
revoke execute on function take_host(uuid) from public;

-- As before, and no scan at a host that rests.
create or replace function lease_work(automator text, seconds double precision, updates_of uuid[])
returns table (
    lease_id uuid, fence bigint, expires_at timestamptz, organization_id uuid, kind text, subject_id uuid
)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    candidate work;
    turn record;
    -- Installations in which an update is being written.
    busy bigint[];
    -- Hosts at which no scan may begin.
    resting uuid[];
begin
    insert into automators as known (name, seen_at) values (automator, now())
    on conflict (name) do update set seen_at = now() where known.seen_at < now() - interval '5 seconds';
    perform expire_leases();
    busy := array(
        select o.installation_id from work o
        where o.kind = 'update' and o.lease_id is not null and o.installation_id is not null);
    resting := list_resting_hosts(false);
    for turn in
        -- From one organization to the next by the index, once for what is asked for and once for the rest.
        with recursive queue as (
            (select (w.asked_at is null) as unasked, w.organization_id, w.due_at from work w
             where w.lease_id is null and w.due_at is not null
             order by (w.asked_at is null), w.organization_id, w.due_at limit 1)
            union all
            select n.* from queue q cross join lateral (
                select (w.asked_at is null) as unasked, w.organization_id, w.due_at from work w
                where w.lease_id is null and w.due_at is not null
                    and ((w.asked_at is null), w.organization_id) > (q.unasked, q.organization_id)
                order by (w.asked_at is null), w.organization_id, w.due_at limit 1) n
        ), held as (
            select w.organization_id, count(*) as leases from work w where w.lease_id is not null group by 1
        )
        (select null::uuid as organization_id, null::boolean as unasked where updates_of is not null)
        union all
        (select q.organization_id, q.unasked from queue q left join held h on h.organization_id = q.organization_id
         where q.due_at <= now() and updates_of is null
         order by coalesce(h.leases, 0), q.unasked, (
             select w.fence from work w where w.organization_id = q.organization_id order by w.fence desc limit 1))
    loop
        loop
            if updates_of is null then
                select * into candidate from work w
                where (w.asked_at is null) = turn.unasked and w.organization_id = turn.organization_id
                    and w.lease_id is null and w.due_at <= now()
                    and (w.kind <> 'update' or w.installation_id <> all (busy))
                    and (w.host_id is null or w.host_id <> all (resting))
                order by w.due_at
                limit 1
                for update skip locked;
            else
                select * into candidate from work w
                where w.kind = 'update' and w.subject_id = any (updates_of)
                    and w.lease_id is null and w.due_at <= now() and w.installation_id <> all (busy)
                order by w.asked_at nulls last, w.due_at
                limit 1
                for update skip locked;
            end if;
            exit when not found;
            if candidate.kind = 'update' and not (
                -- The lock makes two replicas that lease for one installation at once see each other.
                pg_try_advisory_xact_lock(hashtextextended('heddle update', candidate.installation_id))
                and not exists (
                    select from work o
                    where o.kind = 'update' and o.lease_id is not null
                        and o.installation_id = candidate.installation_id
                )
            ) then
                busy := busy || candidate.installation_id;
            elsif not take_host(candidate.host_id) then
                resting := resting || candidate.host_id;
            else
                return query
                    update work w set
                        lease_id = gen_random_uuid(),
                        fence = nextval('work_fence'),
                        leased_by = automator,
                        lease_expires_at = now() + make_interval(secs => seconds),
                        leased_generation = w.generation
                    where w.id = candidate.id
                    returning w.lease_id, w.fence, w.lease_expires_at, w.organization_id, w.kind, w.subject_id;
                return;
            end if;
        end loop;
    end loop;
end;
$$;

-- Leases one due scan at a host that an organization's own automator serves.
create function lease_claimed_scan(claimer uuid, process text, seconds double precision)
returns table (
    lease_id uuid, fence bigint, expires_at timestamptz, organization_id uuid, kind text, subject_id uuid
)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    candidate work;
    resting uuid[];
begin
    perform expire_leases();
    resting := list_resting_hosts(true);
    loop
        select w.* into candidate from registry_hosts h join work w on w.host_id = h.id
        where h.claimed_by = claimer and h.organization_id = w.organization_id and h.id <> all (resting)
            and w.kind = 'scan' and w.lease_id is null and w.due_at <= now()
        order by w.asked_at nulls last, w.due_at
        limit 1
        for update of w skip locked;
        exit when not found;
        if take_host(candidate.host_id) then
            return query
                update work w set
                    lease_id = gen_random_uuid(),
                    fence = nextval('work_fence'),
                    leased_by = process,
                    lease_expires_at = now() + make_interval(secs => seconds),
                    leased_generation = w.generation
                where w.id = candidate.id
                returning w.lease_id, w.fence, w.lease_expires_at, w.organization_id, w.kind, w.subject_id;
            return;
        end if;
        resting := resting || candidate.host_id;
    end loop;
end;
$$;

-- As before; what waits for a host that rests is looked for when its rest ends, or a lease there.
create or replace function next_work_at() returns timestamptz
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select least(
        (select w.due_at from work w where w.lease_id is null and w.due_at > now() order by w.due_at limit 1),
        (select h.not_before from registry_hosts h
         where (h.not_before is not null or h.claimed_by is not null) and h.not_before > now()
         order by h.not_before limit 1),
        (select greatest(w.lease_expires_at, now() + interval '200 milliseconds') from work w
         where w.lease_id is not null order by w.lease_expires_at limit 1),
        (select now() + interval '200 milliseconds' where exists (
            with known as materialized (select list_resting_hosts(false) as resting)
            select from work w, known
            where w.lease_id is null and w.due_at <= now()
                and (w.host_id is null or w.host_id <> all (known.resting))
                and (w.kind <> 'update' or (w.installation_id is not null and not exists (
                    select from work o
                    where o.kind = 'update' and o.lease_id is not null and o.installation_id = w.installation_id)))))
    );
end;

-- Whose an automator's token is; notes that it asked.
create function use_own_automator(secret bytea) returns table (automator_id uuid, organization_id uuid, name text)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
    update own_automators o set seen_at = now()
    where o.secret_hash = secret and (o.seen_at is null or o.seen_at < now() - interval '5 seconds');
    return query select o.id, o.organization_id, o.name from own_automators o where o.secret_hash = secret;
end;
$$;

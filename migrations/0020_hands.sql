-- What people ask for beside the release of a tag: entries of `.heddle.yaml`, and what stood before a change.

-- `asked` is the whole of it. The columns beside it are for lists, and for the code of the release before, which knows
-- releases alone: a row of another kind has none of them, so that it cannot be taken for one.
alter table requests drop constraint requests_kind_check;
alter table requests add constraint requests_kind_check check (kind in ('release', 'rollback', 'rules'));
alter table requests
    alter column environment drop not null,
    alter column image drop not null,
    alter column to_tag drop not null,
    add column asked jsonb,
    -- What an automator must know to write it.
    add column needs smallint not null default 1,
    -- For what it waits, as the last update said.
    add column waiting text;

-- Of an update: the most that its open requests need.
alter table work add column needs_requests smallint not null default 0;
-- Without this the owner, who is no superuser everywhere, sees no request.
alter table requests no force row level security;
update work w set needs_requests = 1
where w.kind = 'update' and exists (select from requests q where q.repository_id = w.subject_id and q.ended is null);
alter table requests force row level security;

-- The newest kind of request that an automator knows, by its own word.
alter table automators add column knows_requests int not null default 0;

-- When one that knows this kind last asked for work.
create function automator_seen_at(needs int) returns timestamptz
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select max(seen_at) from automators where knows_requests >= needs;
end;

-- `.heddle.yaml` as it was read last; `rules_known` is false where its text was not told.
alter table reads add column rules_text text, add column rules_known boolean not null default false;

alter table changes
    add column from_digest text,
    -- The changes that this one rolls back: it takes back their tags, and is nothing newer.
    add column rolls_back uuid[] not null default '{}';

-- As before, but for updates whose requests the automator does not know.
create function lease_work(automator text, seconds double precision, updates_of uuid[], knows_requests int)
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
    insert into automators as known (name, seen_at, knows_requests) values (automator, now(), lease_work.knows_requests)
    on conflict (name) do update set seen_at = now(), knows_requests = excluded.knows_requests
    where known.seen_at < now() - interval '5 seconds' or known.knows_requests <> excluded.knows_requests;
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
                    and (w.kind <> 'update' or w.installation_id <> all (busy) and w.needs_requests <= lease_work.knows_requests)
                    and (w.host_id is null or w.host_id <> all (resting))
                order by w.due_at
                limit 1
                for update skip locked;
            else
                select * into candidate from work w
                where w.kind = 'update' and w.subject_id = any (updates_of)
                    and w.lease_id is null and w.due_at <= now() and w.installation_id <> all (busy)
                    and w.needs_requests <= lease_work.knows_requests
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

-- The release before leases to automators that know releases of a tag.
create or replace function lease_work(automator text, seconds double precision, updates_of uuid[])
returns table (
    lease_id uuid, fence bigint, expires_at timestamptz, organization_id uuid, kind text, subject_id uuid
)
language sql volatile security definer set search_path = public, pg_temp as $$
    select * from lease_work(automator, seconds, updates_of, 1);
$$;

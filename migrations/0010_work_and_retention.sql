-- Work goes round robin over organizations, a lease that runs out is a failure, and what serves nobody is forgotten.

-- Work ------------------------------------------------------------------------------------------------------------

-- So many leases ran out in a row: the automator ended in the middle of it, or hung.
alter table work add column expiries integer not null default 0;

-- Free work of each organization: first what somebody waits for, then what only a timer asks for.
create index work_free on work ((asked_at is null), organization_id, due_at)
    where lease_id is null and due_at is not null;
create index work_due_next on work (due_at) where lease_id is null and due_at is not null;
create index work_leases on work (lease_expires_at) where lease_id is not null;
create index work_served on work (organization_id, fence);
drop index work_due;

-- Ends the leases that ran out. Each is a failure: the first is looked at again at once, since programs are replaced and
-- die, the next ones later and later; after five in a row the work is put aside for a day, whoever asks for it, because
-- it may be what ends automators.
create function expire_leases() returns void
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    update work w set
        lease_id = null, lease_expires_at = null, leased_by = null, next_at = null,
        failures = w.failures + 1,
        expiries = w.expiries + 1,
        last_failure = case
            when w.expiries + 1 < 5 then format('automator `%s` took it and did not come back', w.leased_by)
            else format('%s times in a row an automator took it and did not come back, at last `%s`: it may be too large for '
                'them; it is tried again after a day', w.expiries + 1, w.leased_by)
        end,
        due_at = case
            when w.expiries = 0 then w.due_at
            when w.expiries + 1 < 5 then now() + make_interval(secs => power(2, w.expiries + 1))
            else now() + interval '1 day'
        end,
        not_before = case when w.expiries + 1 < 5 then w.not_before else now() + interval '1 day' end
    where w.id in (
        select e.id from work e where e.lease_id is not null and e.lease_expires_at <= now()
        order by e.kind desc, e.subject_id for update skip locked);
end;
revoke execute on function expire_leases() from public;

-- Leases one due piece of work, of any organization; with `updates_of`, an update of one of these repositories. The
-- organization that holds the fewest leases has its turn; among equals one in which somebody waits for the work, then the
-- one that was served longest ago. At most one update lease lives in an installation.
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
begin
    insert into automators as known (name, seen_at) values (automator, now())
    on conflict (name) do update set seen_at = now() where known.seen_at < now() - interval '5 seconds';
    perform expire_leases();
    busy := array(
        select o.installation_id from work o
        where o.kind = 'update' and o.lease_id is not null and o.installation_id is not null);
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
            if candidate.kind <> 'update' or (
                -- The lock makes two replicas that lease for one installation at once see each other.
                pg_try_advisory_xact_lock(hashtextextended('heddle update', candidate.installation_id))
                and not exists (
                    select from work o
                    where o.kind = 'update' and o.lease_id is not null
                        and o.installation_id = candidate.installation_id
                )
            ) then
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
            busy := busy || candidate.installation_id;
        end loop;
    end loop;
end;
$$;

-- When a waiting automator should look for work again. What is due and was not leased was held by another transaction
-- at that moment, which may end in any way: it is looked for again soon. What is due and has to wait for another update
-- of its installation is looked for when that lease ends.
create or replace function next_work_at() returns timestamptz
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select least(
        (select w.due_at from work w where w.lease_id is null and w.due_at > now() order by w.due_at limit 1),
        (select greatest(w.lease_expires_at, now() + interval '200 milliseconds') from work w
         where w.lease_id is not null order by w.lease_expires_at limit 1),
        (select now() + interval '200 milliseconds' where exists (
            select from work w
            where w.lease_id is null and w.due_at <= now()
                and (w.kind <> 'update' or (w.installation_id is not null and not exists (
                    select from work o
                    where o.kind = 'update' and o.lease_id is not null and o.installation_id = w.installation_id)))))
    );
end;

-- Registries ------------------------------------------------------------------------------------------------------

alter table tags
    -- Since when the list does not hold it any more, or a notice named it and no list did yet; null while it is listed.
    add column unlisted_at timestamptz;
update tags set unlisted_at = now() where not listed;
create index tags_unlisted on tags (organization_id, image_id, unlisted_at) where not listed;

alter table images
    -- When the first of its tags was seen, also after that tag was forgotten.
    add column watched_since timestamptz,
    -- Since when no rule needs it; null while one does.
    add column unwatched_at timestamptz;
update images set watched_since = (select min(t.first_seen_at) from tags t where t.image_id = images.id);

create index occurrences_tag on occurrences (organization_id, image, tag);

-- Retention -------------------------------------------------------------------------------------------------------

create index changes_ended on changes (organization_id, end_seen_at) where ended is not null;
create index proposals_age on proposals (organization_id, created_at) where state not in ('announced', 'open');
create index intents_age on intents (organization_id, created_at) where state <> 'open';
create index revisions_age on revisions (organization_id, committed_at);
create index revisions_beside on revisions (organization_id) where not first_parent;
create index deploys_age on deploys (organization_id, received_at);
create index audit_age on audit (organization_id, at);

-- Every organization, for the job that goes through what each may forget.
create function list_organization_ids() returns setof uuid
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select o.id from organizations o order by o.id;
end;

-- The tables of people and of routing; sessions and codes end by themselves, programs leave by their age.
create or replace function sweep_ended() returns void
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    delete from sessions where expires_at < now() or last_used_at < now() - interval '7 days';
    delete from github_sign_ins where created_at < now() - interval '10 minutes';
    delete from tokens where expires_at < now() - interval '30 days';
    delete from invitations where expires_at < now() - interval '30 days';
    delete from bootstrap_tokens where expires_at < now() - interval '30 days';
    delete from attempts where at < now() - interval '1 day';
    delete from deliveries where received_at < now() - interval '7 days';
    delete from automators where seen_at < now() - interval '30 days';
end;

-- What is on record about a person alone.
create policy routing on audit to current_user using (organization_id is null);
create function forget_personal_audit(before timestamptz) returns void
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    delete from audit where organization_id is null and at < before;
end;

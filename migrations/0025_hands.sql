-- What people ask for, further: environments that take what others have, and going back by time.

alter table requests drop constraint requests_kind_check;
alter table requests add constraint requests_kind_check check (kind in ('release', 'rollback', 'rules', 'promotion'));

-- What came to an environment since an instant.
create index facts_merged on facts (organization_id, at) where key = 'merged';

-- As before. An update of which a request needs more than any automator knows that is here waits for one, which looks for
-- work when it comes: until then nobody is woken for it.
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
            with known as materialized (
                select list_resting_hosts(false) as resting,
                       coalesce((select max(a.knows_requests) from automators a
                                 where a.seen_at > now() - interval '2 minutes'), 0) as requests)
            select from work w, known
            where w.lease_id is null and w.due_at <= now()
                and (w.host_id is null or w.host_id <> all (known.resting))
                and (w.kind <> 'update' or (w.installation_id is not null and w.needs_requests <= known.requests
                    and not exists (
                        select from work o
                        where o.kind = 'update' and o.lease_id is not null
                            and o.installation_id = w.installation_id)))))
    );
end;

-- When a waiting automator should look for work again. What is due and was not leased was held by another transaction
-- at that moment, which may end in any way: it is looked for again soon. What is due and has to wait for another update
-- of its installation is looked for when that lease ends.
create or replace function next_work_at() returns timestamptz
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select min(case
        when greatest(w.due_at, w.lease_expires_at) > now() then greatest(w.due_at, w.lease_expires_at)
        when w.kind = 'update' and exists (
            select from work o
            where o.kind = 'update' and o.installation_id = w.installation_id and o.id <> w.id
                and o.lease_expires_at > now()
        ) then null
        else now() + interval '200 milliseconds'
    end)
    from work w where w.due_at is not null;
end;

-- A time of Git or of its host counts whole seconds.
alter table facts add column whole_seconds boolean not null default false;

-- What the App's installation said that keeps us out; null while nothing does.
alter table repositories add column shut_out text check (shut_out in ('suspended', 'uninstalled', 'removed'));

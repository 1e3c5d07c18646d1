-- What died together does not come back together, and what rests can be asked for.

-- Ends the leases that ran out. Each is a failure. The first is looked at again at once, since programs are replaced and
-- die. The next ones come later and later, each at a time of its own: of several that one automator held when it ended,
-- one may be what ends automators, and the others must not be beside it again and again. After five in a row the work
-- rests for a day. Whoever asks for it meanwhile ends the rest, yet not in its first ten minutes, which double with each
-- further time: it may still be what ends automators.
create or replace function expire_leases() returns void
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    update work w set
        lease_id = null, lease_expires_at = null, leased_by = null, next_at = null,
        failures = w.failures + 1,
        expiries = w.expiries + 1,
        last_failure = case
            when w.expiries + 1 < 5 then format('automator `%s` took it and did not come back', w.leased_by)
            else format('%s times in a row an automator took it and did not come back, at last `%s`: it may be too large for '
                'them; it is tried again after a day, or some time after something asks for it', w.expiries + 1, w.leased_by)
        end,
        due_at = case
            when w.expiries = 0 then w.due_at
            when w.expiries + 1 < 5 then now() + make_interval(secs => power(4, w.expiries + 1) * (0.5 + random()))
            -- Something asked during the lease.
            when w.generation > w.leased_generation then now() + interval '10 minutes' * power(2, least(w.expiries - 4, 7))
            else now() + interval '1 day' + interval '2 hours' * random()
        end,
        not_before = case
            when w.expiries + 1 < 5 then w.not_before
            else now() + interval '10 minutes' * power(2, least(w.expiries - 4, 7))
        end
    where w.id in (
        select e.id from work e where e.lease_id is not null and e.lease_expires_at <= now()
        order by e.kind desc, e.subject_id for update skip locked);
end;

-- What rests since before this migration can be asked for, too.
update work set not_before = now() where lease_id is null and expiries >= 5 and not_before > now();

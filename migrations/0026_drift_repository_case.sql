-- One repository has one name, whatever letter case somebody writes it in. From now on it is stored in lower case.

-- An owner that is no superuser sees rows of no organization while row security is forced on it.
alter table drift_records no force row level security;

-- Where there are two already, the other one stays until nobody reports it any more.
update drift_records r set repository = lower(repository)
where repository <> lower(repository)
    and not exists (
        select from drift_records o
        where o.id <> r.id and o.organization_id = r.organization_id and lower(o.repository) = lower(r.repository)
            and (o.environment, o.tool, o.source) = (r.environment, r.tool, r.source));

alter table drift_records force row level security;

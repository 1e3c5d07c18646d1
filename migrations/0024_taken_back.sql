-- What people took back stands on the change, so that the question what is barred goes from place to place instead of
-- through all that was ever taken back. The trigger keeps it for replicas of the release before, too.
alter table changes add column taken_back boolean not null default false;
update changes c set taken_back = true
where exists (select from facts f
              where f.organization_id = c.organization_id and f.change_id = c.id and f.key in ('reverted', 'declined'));

create function note_taken_back() returns trigger language plpgsql as $$
begin
    update changes set taken_back = true where id = new.change_id and not taken_back;
    return null;
end
$$;
create trigger facts_take_back after insert on facts for each row
    when (new.key in ('reverted', 'declined')) execute function note_taken_back();

create index changes_taken_back on changes
    (organization_id, repository_id, branch, environment, image, place_key, sequence)
    where taken_back;
